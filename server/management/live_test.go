package management

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	dto "github.com/prometheus/client_model/go"

	"github.com/sluice-proxy/sluice/kafka"
)

// get reads a path from a real listener.
func get(t *testing.T, address, path string) string {
	t.Helper()
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	r, err := (&http.Client{Transport: transport, Timeout: longest}).Get("http://" + address + path)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	text, err := io.ReadAll(r.Body)
	if err != nil || r.StatusCode != http.StatusOK {
		t.Fatalf("%s: %d %v %s", path, r.StatusCode, err, text)
	}
	return string(text)
}

// watched is a sluice with its management listener.
func watched(t *testing.T, change ...func(*kafka.Config)) (s *sluice, address string) {
	s = start(t, change...)
	m := New(Sources{
		Kafka: s.client, RESP: s.door, Started: time.Now(), Build: Build{"v1", "go1", "2"},
		Listeners: func() []Listener { return []Listener{{Name: "resp", Address: s.addr}} },
	}, testLog(t))
	return s, listen(t, "tcp", "127.0.0.1:0", m.Serve, m)
}

// peer is a client of the Redis door.
type peer struct {
	t   *testing.T
	say func(line string, replies int) []string
}

func (s *sluice) peer(t *testing.T) *peer {
	conn, in := dial(t, s.addr)
	return &peer{t, func(line string, replies int) (got []string) {
		t.Helper()
		if _, err := io.WriteString(conn, line+"\r\n"); err != nil {
			t.Fatal(err)
		}
		for range replies {
			reply, err := in.ReadString('\n')
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, strings.TrimSpace(reply))
		}
		return got
	}}
}

func (p *peer) says(line string, want ...string) {
	p.t.Helper()
	if got := p.say(line, len(want)); !slices.Equal(got, want) {
		p.t.Fatalf("%s: %q, want %q", line, got, want)
	}
}

var sequence int

// fresh is a name that no test had before, so that tests can be repeated on one broker.
func fresh(name string) string {
	sequence++
	return fmt.Sprintf("%s-%d", name, sequence)
}

// traffic produces three records, has two of them lent and one acknowledged, and leaves the client there.
func traffic(t *testing.T, s *sluice, topic, group string) {
	t.Helper()
	p := s.peer(t)
	for range 3 {
		p.says("RPUSH topics:"+topic+" lettuce", ":1")
	}
	p.says("PING x y", "-ERR wrong number of arguments for 'ping' command")
	p.says("CLIENT SETNAME "+group+":clerk", "+OK")
	for range 2 {
		if reply := p.say("BLPOP topics:"+topic+" 20", 1); !strings.HasPrefix(reply[0], "*") || reply[0] == "*-1" {
			t.Fatalf("no record: %q", reply)
		}
		n := 0
		for !slices.Contains(p.say("", 1), "lettuce") { // an empty line has no reply: this reads on
			if n++; n > 30 {
				t.Fatal("a record without its value")
			}
		}
	}
	p.says("RPUSH acks "+topic+":0:0", ":1")
}

func TestARunningSluiceIsCounted(t *testing.T) {
	s, address := watched(t)
	topicName, group := fresh("counted"), fresh("counters")
	traffic(t, s, topicName, group)
	eventually(t, "an answer of the broker", func() bool { return s.client.Reach() == nil })
	text := get(t, address, "/metrics")
	found := parse(t, text)
	all := table()
	for name, family := range found {
		if m := all[name]; m != nil {
			wantAsInTable(t, family, m)
		} else if !strings.HasPrefix(name, "go_") && !strings.HasPrefix(name, "process_") {
			t.Errorf("%s is not in the table", name)
		}
	}
	topic, row := "topic="+topicName, []string{"group=" + group, "topic=" + topicName}
	for _, tt := range []struct {
		want   float64
		name   string
		labels []string
	}{
		{3, "sluice_produce_accepted_messages_total", []string{topic}},
		{3, "sluice_produce_messages_total", []string{topic, "result=ok"}},
		{0, "sluice_produce_messages_total", []string{topic, "result=unknown"}},
		{21, "sluice_produce_bytes_total", []string{topic}},
		{0, "sluice_produce_pending_messages", []string{topic}},
		{3, "sluice_produce_ack_seconds", []string{"profile=delivered"}},
		{2, "sluice_consume_lent_messages_total", slices.Clone(row)},
		{1, "sluice_consume_accepted_messages_total", slices.Clone(row)},
		{1, "sluice_consume_leased_messages", slices.Clone(row)},
		{1, "sluice_group_members", []string{"group=" + group, "state=connected"}},
		{1, "sluice_assignment_partitions", []string{"group=" + group}},
		{1, "sluice_connections", []string{"listener=resp"}},
		{2, "sluice_commands_total", []string{"command=blpop", "result=ok"}},
		{1, "sluice_commands_total", []string{"command=ping", "result=error"}},
		{2, "sluice_command_duration_seconds", []string{"command=blpop"}},
		{1, "sluice_ready", nil},
		{1, "sluice_kafka_reachable", nil},
		{1, "sluice_build_info", []string{"version=v1", "goversion=go1", "librdkafka=2"}},
	} {
		if got := value(t, found, tt.name, tt.labels...); got != tt.want {
			t.Errorf("%s%v is %v, want %v", tt.name, tt.labels, got, tt.want)
		}
	}
	if strings.Contains(text, "lettuce") || strings.Contains(text, "clerk") || strings.Contains(text, s.addr) {
		t.Error("the metrics hold a record, a client's name or an address")
	}
	promtool(t, text, "check", "metrics")
}

func TestLagAndStatisticsComeWithTime(t *testing.T) {
	s, address := watched(t, func(cfg *kafka.Config) {
		cfg.Consume.LagInterval, cfg.Consume.CommitInterval = 100*time.Millisecond, 100*time.Millisecond
		cfg.Producer = kafka.Properties{"statistics.interval.ms": "100"}
	})
	topic, group := fresh("late"), fresh("latecomers")
	traffic(t, s, topic, group)
	var found map[string]*dto.MetricFamily
	row := []string{"group=" + group, "topic=" + topic}
	eventually(t, "the lag of what is committed, and a broker that is up", func() bool {
		found = parse(t, get(t, address, "/metrics"))
		return sum(found, "sluice_consumer_group_lag_messages", row...) == 2 && sum(found, "sluice_kafka_broker_up") == 2
	})
	if lag := value(t, found, "sluice_consumer_lag_messages", append([]string{"partition=0"}, row...)...); lag != 2 {
		t.Errorf("the partition's lag is %v", lag)
	}
	if age := value(t, found, "sluice_consumer_lag_seconds", slices.Clone(row)...); age <= 0 || age > longest.Seconds() {
		t.Errorf("the oldest record is %v s old", age)
	}
	if limit := value(t, found, "sluice_producer_queue_messages_limit", "profile=buffered"); limit != 100_000 {
		t.Errorf("the queue takes %v records", limit)
	}
	var status Status
	if err := json.Unmarshal([]byte(get(t, address, "/status")), &status); err != nil {
		t.Fatal(err)
	}
	if sub := status.Subscriptions[0]; sub.Lag == nil || *sub.Lag != 2 || sub.LagSeconds == nil || *sub.LagSeconds <= 0 {
		t.Errorf("%+v", sub)
	}
	if brokers := status.Profiles[0].Brokers; len(brokers) == 0 || brokers[0].State != "UP" || brokers[0].Address == "" {
		t.Errorf("%+v", brokers)
	}
}

// The management listener is the last to close: the operator watches the end.
func TestAClientThatIsClosedIsStillCounted(t *testing.T) {
	cfg := kafka.Defaults()
	cfg.Brokers = []string{broker.Addr()}
	client, err := kafka.Open(cfg, testLog(t))
	if err != nil {
		t.Fatal(err)
	}
	if err := client.Close(within(t, longest)); err != nil {
		t.Fatal(err)
	}
	m := New(Sources{Kafka: client, NotReady: func() []string { return []string{"draining"} }}, testLog(t))
	address := listen(t, "tcp", "127.0.0.1:0", m.Serve, m)
	found := parse(t, get(t, address, "/metrics"))
	if ready := value(t, found, "sluice_ready"); ready != 0 {
		t.Errorf("ready: %v", ready)
	}
	get(t, address, "/status")
}

// sum adds the series of a metric up that have all these labels, name=value each.
func sum(found map[string]*dto.MetricFamily, name string, labels ...string) (total float64) {
	for _, m := range found[name].GetMetric() {
		has := 0
		for _, pair := range m.GetLabel() {
			if slices.Contains(labels, pair.GetName()+"="+pair.GetValue()) {
				has++
			}
		}
		if has == len(labels) {
			total += m.GetGauge().GetValue() + m.GetCounter().GetValue()
		}
	}
	return total
}

// TestTheBooksBalance also while records are on their way, and after their client has gone.
func TestTheBooksBalance(t *testing.T) {
	s, address := watched(t)
	topic, group := fresh("balanced"), fresh("bookkeepers")
	traffic(t, s, topic, group)
	p := s.peer(t)
	for range 50 {
		p.says("RPUSHX topics:"+topic+" lettuce", ":1")
		found := parse(t, get(t, address, "/metrics"))
		accepted := sum(found, "sluice_produce_accepted_messages_total", "topic="+topic)
		ended := sum(found, "sluice_produce_messages_total", "topic="+topic)
		pending := sum(found, "sluice_produce_pending_messages", "topic="+topic)
		if accepted != ended+pending {
			t.Fatalf("%v accepted, %v ended, %v pending", accepted, ended, pending)
		}
		lent := sum(found, "sluice_consume_lent_messages_total", "group="+group)
		back := 0.0
		for _, end := range []string{"accepted_messages_total", "released_messages_total", "rejected_messages_total", "leased_messages"} {
			back += sum(found, "sluice_consume_"+end, "group="+group)
		}
		if lent != back || lent < 2 {
			t.Fatalf("%v lent, %v settled or leased", lent, back)
		}
	}
}

func TestTheStatusOfARunningSluice(t *testing.T) {
	s, address := watched(t)
	topic, group := fresh("shown"), fresh("viewers")
	traffic(t, s, topic, group)
	var status Status
	eventually(t, "the end of connections that clients have closed", func() bool {
		status = Status{}
		if err := json.Unmarshal([]byte(get(t, address, "/status")), &status); err != nil {
			t.Fatal(err)
		}
		return status.Clients == 1
	})
	if len(status.Subscriptions) != 1 || len(status.Profiles) != 2 {
		t.Fatalf("%+v", status)
	}
	sub := status.Subscriptions[0]
	want := []Member{{Name: "clerk", Connected: true, Owed: sub.Members[0].Owed, Leases: 1}}
	if sub.Group != group || !slices.Equal(sub.Topics, []string{topic}) || !slices.Equal(sub.Members, want) ||
		sub.Partitions != 1 || sub.Leased != 1 || sub.Rebalances < 1 || sub.OldestUnackedSeconds < 0 || sub.Stalled || sub.Trouble != "" {
		t.Errorf("%+v", sub)
	}
	if !status.Ready || status.Build.Version != "v1" || status.UptimeSeconds < 0 || !status.LastReload.OK ||
		!slices.Equal(status.Listeners, []Listener{{Name: "resp", Address: s.addr}}) {
		t.Errorf("%+v", status)
	}
	if status.Profiles[0].Name != "buffered" || status.Profiles[0].Brokers == nil {
		t.Errorf("%+v", status.Profiles[0])
	}
}

// A record that failed stands in the status and in the metrics until it is settled, and so does the partition that waits for it.
func TestAFailedRecordIsShown(t *testing.T) {
	s, address := watched(t)
	topic, group := fresh("failing"), fresh("failers")
	traffic(t, s, topic, group) // record 1 is with the client
	read := func() (status Status, sub Subscription) {
		if err := json.Unmarshal([]byte(get(t, address, "/status")), &status); err != nil {
			t.Fatal(err)
		}
		for _, sub := range status.Subscriptions {
			if sub.Group == group {
				return status, sub
			}
		}
		t.Fatal("the group is missing")
		return status, sub
	}
	p := s.peer(t)
	p.says("CLIENT SETNAME "+group+":other", "+OK")
	if _, sub := read(); sub.Failing.Failing != 0 || sub.NextRetry != nil || len(sub.Stopped) != 0 || sub.Stopped == nil || sub.Bounds == nil || sub.Crashers == nil {
		t.Errorf("before: %+v", sub.Failing)
	}
	m := s.client.Find(kafka.Identity{Group: group, Name: "clerk"})
	if !m.Fail(kafka.TopicPartition{Topic: topic}, 1, kafka.Failure{Class: "Timeout"}, time.Hour) {
		t.Fatal("the record did not fail")
	}
	_, sub := read()
	if sub.Failing.Failing != 1 || sub.Held != 1 || sub.Dying != 0 || sub.NextRetry == nil || sub.StoppedPartitions != 1 || len(sub.Stopped) != 1 {
		t.Fatalf("%+v", sub.Failing)
	}
	want := fmt.Sprintf("%s:0 at 1, the others wait for it; failed attempts: 1; it is tried again at ", topic)
	if p := sub.Stopped[0]; p.Topic != topic || p.Partition != 0 || p.Offset == nil || *p.Offset != 1 || p.Reason != "retry" || p.Attempts != 1 || p.Until == nil || !strings.HasPrefix(p.Why, want) {
		t.Errorf("%+v", p)
	}
	text := get(t, address, "/metrics")
	found := parse(t, text)
	for name, labels := range map[string][]string{
		"sluice_consume_failing_messages":   {"group=" + group, "topic=" + topic},
		"sluice_consume_held_messages":      {"group=" + group, "topic=" + topic},
		"sluice_consume_stopped_partitions": {"group=" + group, "reason=retry"},
		"sluice_consume_failures_total":     {"group=" + group, "reason=released"},
	} {
		if got := value(t, found, name, labels...); got != 1 {
			t.Errorf("%s is %v", name, got)
		}
	}
	promtool(t, text, "check", "metrics")
}
