package resp

import (
	"strconv"

	"github.com/sluice-proxy/sluice/kafka"
)

// statsKey is the hash that holds the proxy's counters.
const statsKey = "stats"

// stat is a number of HGETALL stats. A gauge says how things are, the others count since DEL stats.
type stat struct {
	name  string
	gauge bool
	read  func(*kafka.Stats) int64
}

// stats are the numbers of the proxy; the first three are Rafka's.
var stats = []stat{
	{"producer.unflushed.messages", true, func(s *kafka.Stats) int64 { return s.Pending }},
	{"producer.delivery.errors", false, func(s *kafka.Stats) int64 {
		return s.Ended[kafka.Rejected] + s.Ended[kafka.Retry] + s.Ended[kafka.Unknown]
	}},
	{"producer.unknown.events", false, func(s *kafka.Stats) int64 { return s.UnknownEvents }},
	{"producer.accepted", false, func(s *kafka.Stats) int64 { return s.Accepted }},
	{"producer.ok", false, func(s *kafka.Stats) int64 { return s.Ended[kafka.OK] }},
	{"producer.rejected", false, func(s *kafka.Stats) int64 { return s.Ended[kafka.Rejected] }},
	{"producer.retry", false, func(s *kafka.Stats) int64 { return s.Ended[kafka.Retry] }},
	{"producer.unknown", false, func(s *kafka.Stats) int64 { return s.Ended[kafka.Unknown] }},
	{"producer.replaced", false, func(s *kafka.Stats) int64 { return s.Replaced }},
	{"consumer.fetched", false, func(s *kafka.Stats) int64 { return s.Fetched }},
	{"consumer.lent", false, func(s *kafka.Stats) int64 { return s.Lent }},
	{"consumer.redelivered", false, func(s *kafka.Stats) int64 { return s.Redelivered }},
	{"consumer.acked", false, func(s *kafka.Stats) int64 { return s.Acked }},
	{"consumer.released", false, func(s *kafka.Stats) int64 { return s.Released }},
	{"consumer.stale", false, func(s *kafka.Stats) int64 { return s.Stale }},
	{"consumer.rebalances", false, func(s *kafka.Stats) int64 { return s.Rebalances }},
	{"consumer.commit.errors", false, func(s *kafka.Stats) int64 { return s.CommitErrors }},
	{"consumer.subscriptions", true, func(s *kafka.Stats) int64 { return int64(s.Subscriptions) }},
	{"consumer.members", true, func(s *kafka.Stats) int64 { return int64(s.Members) }},
}

// since is the number, without what it was at the baseline.
func (t *stat) since(now, baseline *kafka.Stats) int64 {
	if t.gauge {
		return t.read(now)
	}
	return t.read(now) - t.read(baseline)
}

// getHash answers HGETALL: stats is the only hash. Its values are strings, for typed clients.
func getHash(s *session, args [][]byte) error {
	if string(args[1]) != statsKey {
		s.out.Map(0)
		return nil
	}
	now, baseline := s.server.kafka.Stats(), s.server.baseline.Load()
	s.out.Map(len(stats))
	for i := range stats {
		s.out.BulkString(stats[i].name)
		s.out.BulkString(strconv.FormatInt(stats[i].since(&now, baseline), 10))
	}
	return nil
}

// del answers DEL: it counts stats only, whose counters start again from zero.
func del(s *session, args [][]byte) error {
	n := int64(0)
	for _, key := range args[1:] {
		if string(key) == statsKey {
			s.server.resetStats()
			n = 1
		}
	}
	s.out.Int(n)
	return nil
}

func (s *Server) resetStats() {
	now := s.kafka.Stats()
	s.baseline.Store(&now)
}
