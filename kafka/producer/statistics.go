package producer

import (
	"cmp"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"strings"
	"sync"
	"time"
)

// statistics are what librdkafka says of a producer (librdkafka's STATISTICS.md): the present handle's last sample,
// and counters that go on when the handle is replaced.
type statistics struct {
	mu      sync.Mutex  // guards what follows
	of      *reportLoop // whose samples are taken
	last    sample
	brokers map[brokerKey]*brokerCounters
}

// sample is what sluice reads of librdkafka's statistics.
type sample struct {
	queued, queuedBytes, queueLimit, queueBytesLimit int64
	brokers                                          []brokerSample
}

type brokerSample struct {
	ID          int32  `json:"nodeid"`
	Address     string `json:"nodename"`
	Source      string `json:"source"`
	State       string `json:"state"`
	Timeouts    int64  `json:"req_timeouts"`
	Retries     int64  `json:"txretries"`
	Connects    int64  `json:"connects"`
	Disconnects int64  `json:"disconnects"`
	RTT         spread `json:"rtt"`      // microseconds
	Throttle    spread `json:"throttle"` // milliseconds
}

// spread is what sluice reads of a distribution over the last interval.
type spread struct {
	Average int64 `json:"avg"`
	P99     int64 `json:"p99"`
}

// brokerKey identifies a broker by its number, or by its address while it has no number.
type brokerKey struct {
	id      int32
	address string
}

func (b *brokerSample) key() brokerKey {
	if b.ID >= 0 {
		return brokerKey{id: b.ID}
	}
	return brokerKey{b.ID, b.Address}
}

// brokerCounters add up one broker's counters over all handles.
type brokerCounters struct{ timeouts, retries, connects, disconnects counter }

// counter is a sum that goes on when librdkafka's counter begins again at 0.
type counter struct{ total, last int64 }

func (c *counter) take(now int64) {
	if now < c.last {
		c.last = 0 // librdkafka forgot the broker, and counts it anew
	}
	c.total += now - c.last
	c.last = now
}

// restart expects the samples of another handle, whose counters begin at 0.
func (s *statistics) restart(of *reportLoop) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.of = of
	for _, b := range s.brokers {
		b.timeouts.last, b.retries.last, b.connects.last, b.disconnects.last = 0, 0, 0, 0
	}
}

// take enters a sample, if its handle is still the present one.
func (s *statistics) take(from *reportLoop, text string) error {
	now, err := decodeStatistics(strings.NewReader(text))
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.of != from {
		return nil
	}
	s.last = now
	for i := range now.brokers {
		s.count(&now.brokers[i])
	}
	return nil
}

func (s *statistics) count(b *brokerSample) {
	if s.brokers == nil {
		s.brokers = map[brokerKey]*brokerCounters{}
	}
	c := s.brokers[b.key()]
	if c == nil {
		c = &brokerCounters{}
		s.brokers[b.key()] = c
	}
	c.timeouts.take(b.Timeouts)
	c.retries.take(b.Retries)
	c.connects.take(b.Connects)
	c.disconnects.take(b.Disconnects)
}

// fill writes the statistics into a profile's status.
func (s *statistics) fill(p *ProfileStatus) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p.Queued, p.QueuedBytes = s.last.queued, s.last.queuedBytes
	p.QueueLimit, p.QueueBytesLimit = s.last.queueLimit, s.last.queueBytesLimit
	known := slices.ContainsFunc(s.last.brokers, func(b brokerSample) bool { return b.ID >= 0 })
	for i := range s.last.brokers {
		b := &s.last.brokers[i]
		if b.ID < 0 && known {
			continue // librdkafka keeps the bootstrap addresses, but does not use them any more
		}
		c := s.brokers[b.key()]
		p.Brokers = append(p.Brokers, BrokerStatus{
			ID: b.ID, Address: b.Address, State: b.State,
			RTT: RoundTrip{
				Average: time.Duration(b.RTT.Average) * time.Microsecond, P99: time.Duration(b.RTT.P99) * time.Microsecond,
			},
			Timeouts: c.timeouts.total, Retries: c.retries.total, Connects: c.connects.total, Disconnects: c.disconnects.total,
			Throttle: time.Duration(b.Throttle.Average) * time.Millisecond,
		})
	}
}

// decodeStatistics reads a sample up to its topics. The rest grows with the number of partitions, and sluice does not
// use it.
func decodeStatistics(r io.Reader) (s sample, err error) {
	d := json.NewDecoder(r)
	if start, err := d.Token(); err != nil || start != json.Delim('{') {
		return sample{}, cmp.Or(err, errors.New("statistics are not an object"))
	}
	fields := map[string]any{
		"msg_cnt": &s.queued, "msg_size": &s.queuedBytes, "msg_max": &s.queueLimit, "msg_size_max": &s.queueBytesLimit,
	}
	for d.More() {
		key, err := d.Token()
		if err != nil {
			return sample{}, err
		}
		name, _ := key.(string)
		switch target := fields[name]; {
		case name == "topics":
			return s, nil
		case name == "brokers":
			s.brokers, err = decodeBrokers(d)
		case target != nil:
			err = d.Decode(target)
		default:
			err = d.Decode(new(json.RawMessage))
		}
		if err != nil {
			return sample{}, err
		}
	}
	return s, nil
}

// decodeBrokers reads the brokers that have an address, in order of their numbers.
func decodeBrokers(d *json.Decoder) ([]brokerSample, error) {
	var all map[string]brokerSample
	if err := d.Decode(&all); err != nil {
		return nil, err
	}
	var brokers []brokerSample
	for _, b := range all {
		if b.Source != "logical" && b.Source != "internal" {
			brokers = append(brokers, b.plausible())
		}
	}
	slices.SortFunc(brokers, func(a, b brokerSample) int { return cmp.Or(cmp.Compare(a.ID, b.ID), cmp.Compare(a.Address, b.Address)) })
	return brokers, nil
}

// plausible bounds the counters, so that their sums do not overflow.
func (b brokerSample) plausible() brokerSample {
	for _, n := range []*int64{&b.Timeouts, &b.Retries, &b.Connects, &b.Disconnects} {
		*n = min(max(0, *n), 1<<50)
	}
	return b
}
