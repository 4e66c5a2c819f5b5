package v3_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sluice-proxy/sluice/kafka"
	"github.com/sluice-proxy/sluice/server/rest/exchange"
	"github.com/sluice-proxy/sluice/server/rest/resttest"
)

// get reads a resource. The body has HERE for the address of the cluster.
func get(s *resttest.Sluice, path string) string {
	s.T.Helper()
	answer, text := s.Ask("GET", path, "")
	if answer.StatusCode != 200 || answer.Header.Get("Content-Type") != exchange.JSONType {
		s.T.Fatalf("%s: %d %s", path, answer.StatusCode, text)
	}
	return strings.ReplaceAll(text, "http://"+s.Addr+s.V3(), "HERE")
}

func TestVersion3ReadsTheCluster(t *testing.T) {
	t.Parallel()
	s := resttest.Start(t, exchange.Options{})
	id := strings.TrimPrefix(s.V3(), "/v3/clusters/")
	brokers, err := s.Client.Brokers(resttest.Within(t, resttest.Patience))
	if err != nil {
		t.Fatal(err)
	}
	meta := func(crn, path string) string {
		return `"metadata":{"self":"HERE` + path + `","resource_name":"crn:///kafka=` + id + crn + `"},"cluster_id":"` + id + `"`
	}
	list := func(kind, path, data string) string {
		return `{"kind":"` + kind + `List","metadata":{"self":"HERE` + path + `","next":null},"data":[` + data + `]}`
	}
	cluster := `{"kind":"KafkaCluster",` + meta("", "") + `,"acls":{"related":"HERE/acls"},"brokers":{"related":"HERE/brokers"},` +
		`"broker_configs":{"related":"HERE/broker-configs"},"consumer_groups":{"related":"HERE/consumer-groups"},` +
		`"topics":{"related":"HERE/topics"},"partition_reassignments":{"related":"HERE/topics/-/partitions/-/reassignment"}}`
	broker := `{"kind":"KafkaBroker",` + meta("/broker=0", "/brokers/0") + fmt.Sprintf(`,"broker_id":0,"host":"%s","port":%d,`, brokers[0].Host, brokers[0].Port) +
		`"configs":{"related":"HERE/brokers/0/configs"},"partition_replicas":{"related":"HERE/brokers/0/partition-replicas"}}`
	topic := func(name string, n int) string {
		return `{"kind":"KafkaTopic",` + meta("/topic="+name, "/topics/"+name) + fmt.Sprintf(`,"topic_name":"%s","is_internal":false,`, name) +
			fmt.Sprintf(`"replication_factor":1,"partitions_count":%d,`, n) + `"partitions":{"related":"HERE/topics/` + name + `/partitions"},` +
			`"configs":{"related":"HERE/topics/` + name + `/configs"},"partition_reassignments":{"related":"HERE/topics/` + name + `/partitions/-/reassignments"}}`
	}
	partition := `{"kind":"KafkaPartition",` + meta("/topic=blobs/partition=0", "/topics/blobs/partitions/0") + `,"topic_name":"blobs","partition_id":0,` +
		`"leader":{"related":"HERE/topics/blobs/partitions/0/replicas/0"},"replicas":{"related":"HERE/topics/blobs/partitions/0/replicas"},` +
		`"reassignment":{"related":"HERE/topics/blobs/partitions/0/reassignment"}}`
	replica := `{"kind":"KafkaReplica",` + meta("/topic=blobs/partition=0/replica=0", "/topics/blobs/partitions/0/replicas/0") +
		`,"topic_name":"blobs","partition_id":0,"broker_id":0,"is_leader":true,"is_in_sync":true,"broker":{"related":"HERE/brokers/0"}}`
	for path, want := range map[string]string{
		"":                                      cluster,
		"/brokers":                              list("KafkaBroker", "/brokers", broker),
		"/brokers/0":                            broker,
		"/topics":                               list("KafkaTopic", "/topics", topic("blobs", 1)+","+topic("orders", 3)),
		"/topics/orders":                        topic("orders", 3),
		"/topics/blobs/partitions":              list("KafkaPartition", "/topics/blobs/partitions", partition),
		"/topics/blobs/partitions/0":            partition,
		"/topics/blobs/partitions/0/replicas":   list("KafkaReplica", "/topics/blobs/partitions/0/replicas", replica),
		"/topics/blobs/partitions/0/replicas/0": replica,
	} {
		if diff := cmp.Diff(want, get(s, s.V3()+path)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", path, diff)
		}
	}
	all := strings.ReplaceAll(get(s, "/v3/clusters"), "http://"+s.Addr+"/v3/clusters", "LIST")
	if want := `{"kind":"KafkaClusterList","metadata":{"self":"LIST","next":null},"data":[` + cluster + `]}`; all != want {
		t.Errorf("%s", all)
	}
	var config struct{ Name, Value, Source string }
	if err := json.Unmarshal([]byte(get(s, s.V3()+"/topics/blobs/configs/cleanup.policy")), &config); err != nil || config.Value != "delete" {
		t.Errorf("%+v %v", config, err)
	}
	if text := get(s, s.V3()+"/topics/blobs/configs"); !strings.Contains(text, `"name":"cleanup.policy","value":"delete"`) {
		t.Error(text)
	}
}

func TestVersion3ReadsGroups(t *testing.T) {
	t.Parallel()
	s := resttest.Start(t, exchange.Options{})
	id := strings.TrimPrefix(s.V3(), "/v3/clusters/")
	m := s.V3Group()
	meta := func(crn, path string) string {
		return `"metadata":{"self":"HERE/consumer-groups/billing` + path + `","resource_name":"crn:///kafka=` + id + "/consumer-group=billing" + crn +
			`"},"cluster_id":"` + id + `","consumer_group_id":"billing"`
	}
	list := func(kind, path, data string) string {
		return `{"kind":"` + kind + `List","metadata":{"self":"HERE/consumer-groups` + path + `","next":null},"data":[` + data + `]}`
	}
	group := `{"kind":"KafkaConsumerGroup",` + meta("", "") + `,"is_simple":false,"partition_assignor":"cooperative-sticky","state":"STABLE",` +
		`"coordinator":{"related":"HERE/brokers/0"},"consumers":{"related":"HERE/consumer-groups/billing/consumers"},` +
		`"lag_summary":{"related":"HERE/consumer-groups/billing/lag-summary"}}`
	consumer := `{"kind":"KafkaConsumer",` + meta("/consumer="+m, "/consumers/"+m) + `,"consumer_id":"` + m + `","instance_id":null,"client_id":"other",` +
		`"assignments":{"related":"HERE/consumer-groups/billing/consumers/` + m + `/assignments"}}`
	assignment := `{"kind":"KafkaConsumerAssignment",` +
		meta("/consumer="+m+"/assignment=blobs/partition=0", "/consumers/"+m+"/assignments/blobs/partitions/0") + `,"consumer_id":"` + m +
		`","topic_name":"blobs","partition_id":0,"partition":{"related":"HERE/topics/blobs/partitions/0"},` +
		`"lag":{"related":"HERE/consumer-groups/billing/lags/blobs/partitions/0"}}`
	lag := `{"kind":"KafkaConsumerLag",` + meta("/lag=blobs/partition=0", "/lags/blobs/partitions/0") + `,"topic_name":"blobs","partition_id":0,` +
		`"current_offset":2,"log_end_offset":5,"lag":3,"consumer_id":"` + m + `","instance_id":null,"client_id":"other"}`
	summary := `{"kind":"KafkaConsumerGroupLagSummary",` + meta("/lag-summary", "/lag-summary") + `,"max_lag_consumer_id":"` + m + `","max_lag_instance_id":null,` +
		`"max_lag_client_id":"other","max_lag_topic_name":"blobs","max_lag_partition_id":0,"max_lag":3,"total_lag":3,` +
		`"max_lag_consumer":{"related":"HERE/consumer-groups/billing/consumers/` + m + `"},"max_lag_partition":{"related":"HERE/topics/blobs/partitions/0"}}`
	for path, want := range map[string]string{
		"":                        list("KafkaConsumerGroup", "", group),
		"/billing":                group,
		"/billing/consumers":      list("KafkaConsumer", "/billing/consumers", consumer),
		"/billing/consumers/" + m: consumer,
		"/billing/consumers/" + m + "/assignments": list("KafkaConsumerAssignment", "/billing/consumers/"+m+"/assignments", assignment),
		"/billing/lags":                    list("KafkaConsumerLag", "/billing/lags", lag),
		"/billing/lags/blobs/partitions/0": lag,
		"/billing/lag-summary":             summary,
	} {
		if diff := cmp.Diff(want, get(s, s.V3()+"/consumer-groups"+path)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", path, diff)
		}
	}
}

func TestWhatVersion3DoesNotHave(t *testing.T) {
	t.Parallel()
	s := resttest.Start(t, exchange.Options{})
	_, err := s.Client.SetGroupOffsets(resttest.Within(t, resttest.Patience), "bill sons", []kafka.Target{{TopicPartition: kafka.TopicPartition{Topic: "blobs"}}})
	if err != nil {
		t.Fatal(err)
	}
	if text := get(s, s.V3()+"/consumer-groups/bill%20sons"); !strings.Contains(text, `HERE/consumer-groups/bill%20sons/lag-summary`) {
		t.Error(text)
	}
	for _, c := range []struct {
		path    string
		code    int
		message string
	}{
		{"/brokers/7", 404, "Broker 7 cannot be found."},
		{"/topics/nope", 40403, "does not host"},
		{"/topics/bad%20name", 40403, "does not host"},
		{"/topics/nope/configs", 40403, "does not host"},
		{"/topics/blobs/configs/nope", 404, "Config nope cannot be found."},
		{"/topics/nope/partitions", 40403, "does not host"},
		{"/topics/blobs/partitions/7", 40403, "does not host"},
		{"/topics/blobs/partitions/x", 40403, "does not host"},
		{"/topics/blobs/partitions/7/replicas", 40403, "does not host"},
		{"/topics/blobs/partitions/0/replicas/7", 404, "Replica 7 cannot be found."},
		{"/consumer-groups/nope", 404, "Consumer group nope cannot be found."},
		{"/consumer-groups/nope/consumers", 404, "Consumer group nope cannot be found."},
		{"/consumer-groups/nope/lags", 404, "Consumer group nope cannot be found."},
		{"/consumer-groups/bill%20sons%00/lags", 404, "cannot be found."},
		{"/consumer-groups/bill%20sons%00", 404, "cannot be found."},
		{"/consumer-groups/bill%20sons/consumers/x", 404, "Consumer x cannot be found."},
		{"/consumer-groups/bill%20sons/consumers/x/assignments", 404, "Consumer x cannot be found."},
		{"/consumer-groups/bill%20sons/lags/blobs/partitions/7", 40403, "does not host"},
	} {
		answer, text := s.Ask("GET", s.V3()+c.path, "")
		resttest.WantFailure(t, c.path, answer, text, 404, c.code, c.message)
		answer, text = s.Ask("GET", "/v3/clusters/other"+c.path, "")
		resttest.WantFailure(t, c.path, answer, text, 404, 404, "Cluster other cannot be found.")
	}
	for _, path := range []string{"", "/brokers", "/topics", "/consumer-groups", "/consumer-groups/bill%20sons/lag-summary"} {
		answer, text := s.Ask("GET", "/v3/clusters/other"+path, "")
		resttest.WantFailure(t, path, answer, text, 404, 404, "Cluster other cannot be found.")
	}
}
