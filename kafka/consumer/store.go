package consumer

import (
	"time"

	"github.com/sluice-proxy/sluice/kafka/librdkafka"
	"github.com/sluice-proxy/sluice/kafka/record"
)

// storeAll hands the positions that moved to librdkafka's next commit.
func (s *Subscription) storeAll(now time.Time) {
	if now.Sub(s.stored) < storeInterval {
		return
	}
	s.stored = now
	s.store()
}

// store is storeAll now. Positions that are lower than what the brokers have are committed as well.
func (s *Subscription) store() {
	s.storePositions()
	s.commitDown(time.Now())
}

func (s *Subscription) storePositions() {
	offsets := s.positions()
	if len(offsets) == 0 {
		return
	}
	err := s.consumer.Store(offsets)
	for _, o := range offsets {
		if f := s.partitions[record.TopicPartition{Topic: o.Topic, Partition: o.ID}]; o.Err == librdkafka.None && f != nil {
			f.stored = o.Offset
		}
	}
	if err != nil {
		s.clientLog.LogFailure(s.log, librdkafka.Event{Text: "offsets not stored: " + err.Error()})
	}
}

// unstored tells whether a position is above what librdkafka commits.
//
//checker:seam position-above-stored
func (f *partition) unstored(position int64) bool { return position > f.stored }

// positions are the offsets to commit that changed since they were last stored.
func (s *Subscription) positions() []librdkafka.Partition {
	s.mu.Lock()
	defer s.mu.Unlock()
	var offsets []librdkafka.Partition
	for tp, f := range s.partitions {
		if at := f.lane.Ledger().Position(); f.unstored(at) {
			offsets = append(offsets, librdkafka.Partition{Topic: tp.Topic, ID: tp.Partition, Offset: at})
		}
	}
	return offsets
}
