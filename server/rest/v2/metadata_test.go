package v2_test

import (
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sluice-proxy/sluice/server/rest/exchange"
	"github.com/sluice-proxy/sluice/server/rest/resttest"
)

func TestMetadata(t *testing.T) {
	t.Parallel()
	s := resttest.Start(t, exchange.Options{})
	if answer, text := s.Ask("POST", "/topics/orders/partitions/1", `{"records":[{},{}]}`, "Content-Type", resttest.AsJSON); answer.StatusCode != 200 {
		t.Fatal(text)
	}
	replica := `"leader":0,"replicas":[{"broker":0,"leader":true,"in_sync":true}]`
	partitions := `[{"partition":0,` + replica + `},{"partition":1,` + replica + `},{"partition":2,` + replica + `}]`
	configs := `{"cleanup.policy":"delete","compression.type":"producer","delete.retention.ms":"86400000","max.message.bytes":"1048588",` +
		`"message.timestamp.type":"CreateTime","min.insync.replicas":"1","retention.bytes":"-1","retention.ms":"604800000",` +
		`"segment.bytes":"104857600","segment.ms":"604800000"}`
	for _, c := range []struct {
		path   string
		status int
		want   string
	}{
		{"/", 200, `{}`},
		{"/brokers", 200, `{"brokers":[0]}`},
		{"/topics", 200, `["blobs","orders"]`},
		{"/topics/", 200, `["blobs","orders"]`},
		{"/topics/orders", 200, `{"name":"orders","configs":` + configs + `,"partitions":` + partitions + `}`},
		{"/topics/orders/partitions", 200, partitions},
		{"/topics/orders/partitions/1", 200, `{"partition":1,` + replica + `}`},
		{"/topics/orders/partitions/1/offsets", 200, `{"beginning_offset":0,"end_offset":2}`},
		{"/topics/orders/partitions/1/offsets/", 200, `{"beginning_offset":0,"end_offset":2}`},
		{"/topics/nope", 404, `{"error_code":40401,"message":"Topic not found."}`},
		{"/topics/nope/partitions", 404, `{"error_code":40401,"message":"Topic not found."}`},
		{"/topics/nope/partitions/0", 404, `{"error_code":40401,"message":"Topic not found."}`},
		{"/topics/nope/partitions/0/offsets", 404, `{"error_code":40401,"message":"Topic not found."}`},
		{"/topics/orders/partitions/3", 404, `{"error_code":40402,"message":"Partition not found."}`},
		{"/topics/orders/partitions/-1", 404, `{"error_code":40402,"message":"Partition not found."}`},
		{"/topics/orders/partitions/one/offsets", 404, `{"error_code":404,"message":"HTTP 404 Not Found"}`},
		{"/topics/orders/partitions/3/offsets", 404, `{"error_code":40402,"message":"Partition not found."}`},
		{"/topics/orders/partitions/99999999999/offsets", 404, `{"error_code":40402,"message":"Partition not found."}`},
	} {
		answer, text := s.Ask("GET", c.path, "")
		if answer.StatusCode != c.status || answer.Header.Get("Content-Type") != exchange.V2Type {
			t.Errorf("%s: %d %v", c.path, answer.StatusCode, answer.Header)
		}
		if diff := cmp.Diff(c.want, text); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.path, diff)
		}
		head, none := s.Ask("HEAD", c.path, "")
		if head.StatusCode != c.status || none != "" {
			t.Errorf("HEAD %s: %d %s", c.path, head.StatusCode, none)
		}
	}
	if answer, _ := s.Ask("GET", "/topics", "", "Accept", "application/json"); answer.Header.Get("Content-Type") != exchange.JSONType {
		t.Errorf("plain JSON was asked for: %v", answer.Header)
	}
}

func TestWithoutBrokersMetadataIsNotAvailable(t *testing.T) {
	t.Parallel()
	s := resttest.Start(t, exchange.Options{})
	s.Cluster.Close()
	var asking sync.WaitGroup
	for _, path := range []string{"/topics", "/topics/orders", "/brokers", "/topics/orders/partitions/0/offsets"} {
		asking.Go(func() {
			answer, text := s.Ask("GET", path, "")
			resttest.WantFailure(t, path, answer, text, 503, 50003, "")
			if answer.Header.Get("Retry-After") != "1" {
				t.Errorf("%s: Retry-After: %q", path, answer.Header.Get("Retry-After"))
			}
		})
	}
	asking.Wait()
}
