package management

import (
	"github.com/sluice-proxy/sluice/kafka"
	"github.com/sluice-proxy/sluice/server/resp"
	"github.com/sluice-proxy/sluice/server/rest"
)

// snapshot is what one scrape shows. It is read at once, and no broker is asked.
type snapshot struct {
	kafkaSnapshot

	door *resp.Stats // nil: closed
	web  *rest.Stats // nil: closed

	build         Build
	ready         bool
	beats         []Beat
	reload        LastReload
	logsDropped   int64
	seriesDropped int // of the metrics before this one
}

// kafkaSnapshot is what the Kafka client shows.
type kafkaSnapshot struct {
	produced  []kafka.TopicCounts
	consumed  []kafka.GroupTopicCounts
	dead      []kafka.DeadCount
	failures  []kafka.GroupFailures
	totals    kafka.Stats
	status    kafka.Status
	lags      []kafka.PartitionLag
	memory    kafka.Memory
	reachable bool
	heard     []kafka.Heard
}

func (s *Server) snapshot() *snapshot {
	now := &snapshot{
		build: s.sources.Build, ready: len(s.sources.NotReady()) == 0, beats: s.sources.Beats(),
		reload: s.sources.LastReload(), logsDropped: s.sources.LogsDropped(),
	}
	if c := s.sources.Kafka; c != nil {
		now.totals, now.status, now.reachable, now.heard = c.Stats(), c.Status(), c.Reach() == nil, c.Heard()
		now.produced, now.consumed, now.lags, now.memory = c.Produced(), c.Consumed(), c.Lags(), c.Memory()
		now.dead, now.failures = c.Dead(), c.Failures()
	}
	if s.sources.RESP != nil {
		door := s.sources.RESP.Stats()
		now.door = &door
	}
	if door := s.sources.REST(); door != nil {
		web := door.Stats()
		now.web = &web
	}
	return now
}
