package producer

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	wireerr "github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/sluice-proxy/sluice/kafka/config"
	"github.com/sluice-proxy/sluice/kafka/kafkatest"
	"github.com/sluice-proxy/sluice/kafka/record"
)

// often makes librdkafka tell its statistics ten times a second.
func often(cfg *config.Config) { cfg.Producer = config.Properties{"statistics.interval.ms": "100"} }

// profile is the status of one profile.
func profile(t *testing.T, ps *Producers, name string) ProfileStatus {
	t.Helper()
	for _, p := range ps.Status() {
		if p.Name == name {
			return p
		}
	}
	t.Fatalf("no profile %s", name)
	return ProfileStatus{}
}

// Nobody has to ask for statistics, and an operator may do without.
func TestStatisticsComeByDefault(t *testing.T) {
	cfg := config.Defaults()
	for _, profile := range []string{config.Delivered, config.Buffered} {
		if got := cfg.ProducerProperties(profile)["statistics.interval.ms"]; got != "10000" {
			t.Errorf("%s: statistics.interval.ms is %q", profile, got)
		}
	}
	cfg.Producer = config.Properties{"statistics.interval.ms": "0"}
	if got := cfg.ProducerProperties(config.Delivered)["statistics.interval.ms"]; got != "0" {
		t.Errorf("against the operator's word statistics.interval.ms is %q", got)
	}
}

func TestTheStatusTellsOfTheBrokers(t *testing.T) {
	t.Parallel()
	k := kafkatest.Brokers(t, kfake.SeedTopics(1, "letters"))
	ps := openOn(t, k.ListenAddrs(), often)
	wantOutcome(t, newCaller(t, ps).deliver(t, "letters", []byte("x")), record.OK)
	var p ProfileStatus
	kafkatest.Eventually(t, "a round trip in the statistics", func() bool {
		p = profile(t, ps, config.Delivered)
		return len(p.Brokers) == 1 && p.Brokers[0].RTT.Average > 0
	})
	b := p.Brokers[0]
	if b.ID < 0 || b.Address != k.ListenAddrs()[0] || b.State != "UP" || b.Connects < 1 || b.RTT.P99 < b.RTT.Average || b.RTT.Average > time.Minute {
		t.Errorf("the broker is %+v", b)
	}
	if p.QueueLimit != 100_000 || p.QueueBytesLimit != 131072<<10 {
		t.Errorf("the queue may hold %d records and %d bytes", p.QueueLimit, p.QueueBytesLimit)
	}
}

func TestTheStatisticsTellOfTheQueue(t *testing.T) {
	t.Parallel()
	k := kafkatest.Brokers(t, kfake.SeedTopics(1, "letters"))
	ps := openOn(t, k.ListenAddrs(), often)
	wantOutcome(t, newCaller(t, ps).deliver(t, "letters", []byte("x")), record.OK)
	kafkatest.Mute(k)
	bufferThree(t, ps)
	defer func() { _, _ = shut(ps, time.Second) }()
	kafkatest.Eventually(t, "three records in the queue", func() bool {
		p := profile(t, ps, config.Buffered)
		return p.Queued == 3 && p.QueuedBytes >= 3
	})
}

// A replaced producer connects anew, and its statistics begin at zero.
func TestTheBrokersCountersGoOnWithAnotherProducer(t *testing.T) {
	t.Parallel()
	k := kafkatest.Brokers(t, kfake.SeedTopics(1, "letters"))
	ps := openOn(t, k.ListenAddrs(), often)
	p := newCaller(t, ps)
	wantOutcome(t, p.deliver(t, "letters", []byte("x")), record.OK)
	connects := func() int64 {
		if brokers := profile(t, ps, config.Delivered).Brokers; len(brokers) == 1 && brokers[0].ID >= 0 {
			return brokers[0].Connects
		}
		return 0
	}
	kafkatest.Eventually(t, "the first statistics", func() bool { return connects() > 0 })
	before := connects()
	k.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Err: wireerr.OutOfOrderSequenceNumber})
	wantOutcome(t, p.deliver(t, "letters", []byte("x")), record.Unknown)
	kafkatest.Eventually(t, "the new producer", func() bool { return p.deliver(t, "letters", []byte("x")) == nil })
	kafkatest.Eventually(t, "a connection more", func() bool { return connects() > before })
	if n := profile(t, ps, config.Delivered).Fatal; n != 1 {
		t.Errorf("failed for good %d times, want once", n)
	}
}

// brokerStatistics is a sample of one broker as librdkafka writes it, cut to what matters.
func brokerStatistics(id, connects int) string {
	return fmt.Sprintf(`{ "name": "rdkafka#producer-1", "msg_cnt":7, "msg_size":700, "msg_max":10, "msg_size_max":1000,
"brokers":{ "h:9092/%[1]d": { "name":"h:9092/%[1]d", "nodeid":%[1]d, "nodename":"h:9092", "source":"learned", "state":"UP",
"rtt": { "min":0, "max":0, "avg":5, "p99":9, "cnt":2 }, "throttle": { "avg":3 }, "connects":%[2]d, "req_timeouts":1, "txretries":2, "disconnects":4, "toppars":{} },
"GroupCoordinator": { "nodeid":-1, "nodename":"", "source":"logical", "state":"INIT" } }, "topics":{ } }`, id, connects)
}

func TestCountersAddUpOverHandlesAndForgottenBrokers(t *testing.T) {
	t.Parallel()
	first, second := &reportLoop{}, &reportLoop{}
	var s statistics
	s.restart(first)
	for _, step := range []struct {
		from     *reportLoop
		connects int
		want     int64
	}{{first, 5, 5}, {first, 6, 6}, {first, 2, 8}, {second, 9, 8}} {
		if err := s.take(step.from, brokerStatistics(1, step.connects)); err != nil {
			t.Fatal(err)
		}
		var p ProfileStatus
		s.fill(&p)
		if got := p.Brokers[0].Connects; got != step.want {
			t.Fatalf("after %d there are %d connections, want %d", step.connects, got, step.want)
		}
	}
	s.restart(second)
	if err := s.take(second, brokerStatistics(1, 9)); err != nil {
		t.Fatal(err)
	}
	var got ProfileStatus
	s.fill(&got)
	want := ProfileStatus{
		Queued: 7, QueuedBytes: 700, QueueLimit: 10, QueueBytesLimit: 1000,
		Brokers: []BrokerStatus{{
			ID: 1, Address: "h:9092", State: "UP", RTT: RoundTrip{5 * time.Microsecond, 9 * time.Microsecond}, Throttle: 3 * time.Millisecond,
			Connects: 17, Timeouts: 2, Retries: 4, Disconnects: 8,
		}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the status (-want +got):\n%s", diff)
	}
}

// FuzzStatistics reads two samples of one handle: whatever they say, nothing panics and no counter goes
// back.
func FuzzStatistics(f *testing.F) {
	f.Add(brokerStatistics(1, 5), brokerStatistics(1, 3))
	f.Add(brokerStatistics(-1, 5), `{"brokers":{}}`)
	f.Add(`{"msg_cnt":"x"}`, `[]`)
	f.Add(strings.Replace(brokerStatistics(2, 1), `"connects":1`, `"connects":9223372036854775807`, 1), brokerStatistics(2, -1))
	f.Add(`{"brokers":null,"brokers":{"":{"nodeid":0,"txretries":3}}`, `{"topics":`)
	f.Fuzz(func(t *testing.T, first, second string) {
		from := &reportLoop{}
		s := statistics{of: from}
		before := map[brokerKey]int64{}
		for _, text := range []string{first, second, first} {
			_ = s.take(from, text) // what it does not understand changes nothing
			var p ProfileStatus
			s.fill(&p)
			for _, b := range p.Brokers {
				key := brokerKey{b.ID, b.Address}
				sum := b.Connects
				for _, n := range []int64{b.Timeouts, b.Retries, b.Disconnects} {
					if n < 0 {
						t.Fatalf("%+v", b)
					}
					sum += n
				}
				if sum < before[key] {
					t.Fatalf("the counters of %v went back from %d to %d", key, before[key], sum)
				}
				before[key] = sum
			}
		}
	})
}
