package producer

import (
	"context"
	"fmt"
	"strings"

	"github.com/sluice-proxy/sluice/kafka/cluster"
	"github.com/sluice-proxy/sluice/kafka/librdkafka"
	"github.com/sluice-proxy/sluice/kafka/record"
)

// troubles say of partitions what keeps their records from getting on.
type troubles map[record.TopicPartition]string

// mostExamined is how many topics are asked for in a round.
const mostExamined = 200

// examine asks for the topics whose records do not get on, and notes what is wrong with their partitions.
func (ps *Producers) examine(ctx context.Context, ask cluster.Ask, heard []cluster.Heard) {
	var stuck []string
	stuck, ps.written = ps.counters.stuck(ps.written)
	if len(stuck) == 0 {
		ps.plights.Store(nil)
		return
	}
	var topics []librdkafka.Topic
	err := ask(ctx, func(ctx context.Context, a *cluster.Admin) (err error) {
		topics, err = a.TopicsByName(ctx, stuck[:min(len(stuck), mostExamined)])
		return err
	})
	if err != nil {
		return
	}
	found := troubles{}
	asked := 0
	for i := range topics {
		wanted := ""
		if t := &topics[i]; lacksReplicas(t) && asked < mostSettings {
			wanted, asked = ps.insyncWanted(ctx, t.Name), asked+1
		}
		found.add(&topics[i], heard, wanted)
	}
	ps.announce(found)
	ps.plights.Store(&found)
}

// announce logs what is wrong with topics of which that was not known.
func (ps *Producers) announce(found troubles) {
	for tp, why := range found {
		if tp.Partition == AnyPartition && ps.trouble(tp.Topic, tp.Partition) != why {
			ps.log.Warn("records of a topic do not arrive", "topic", tp.Topic, "reason", why)
		}
	}
}

// mostSettings is how many topics are asked for their settings in a round.
const mostSettings = 10

// insyncWanted is how many replicas in sync a topic wants before it takes records (min.insync.replicas); empty when that
// is not known.
func (ps *Producers) insyncWanted(ctx context.Context, topic string) string {
	bounded, cancel := context.WithTimeout(ctx, cluster.QuestionTime/5)
	defer cancel()
	wanted, err := ps.topicSetting(bounded, topic, "min.insync.replicas")
	if err != nil {
		return ""
	}
	return wanted
}

// lacksReplicas tells whether a partition has a replica that is not in sync.
func lacksReplicas(t *librdkafka.Topic) bool {
	for _, p := range t.Partitions {
		if len(p.InSync) < len(p.Replicas) {
			return true
		}
	}
	return false
}

// stuck are the topics of which records are on their way and none has been written since the last call, whose counts it is
// given. It returns those of now.
func (t *counterTable) stuck(before map[string]int64) (topics []string, now map[string]int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	now = map[string]int64{}
	for name, a := range t.rows {
		underway, written := int64(0), int64(0)
		for i := range a.underway {
			underway += a.underway[i].records.Load()
			written += a.row.profiles[i].ended[record.OK].Load()
		}
		if underway == 0 {
			continue
		}
		now[name] = written
		if last, known := before[name]; known && written == last {
			topics = append(topics, name)
		}
	}
	return topics, now
}

// add notes what is wrong with the partitions of a topic, which wants so many replicas in sync: empty when that is not known.
func (p troubles) add(t *librdkafka.Topic, heard []cluster.Heard, wanted string) {
	names := map[int32]string{}
	silent := map[int32]bool{}
	for _, h := range heard {
		names[h.ID], silent[h.ID] = h.String(), h.Silent
	}
	for _, partition := range t.Partitions {
		var why string
		switch {
		case partition.Leader < 0:
			why = fmt.Sprintf("no broker leads partition %d, which is on %s", partition.ID, brokerList(partition.Replicas, names))
		case silent[partition.Leader]:
			why = fmt.Sprintf("broker %s leads partition %d and does not answer", names[partition.Leader], partition.ID)
		case len(partition.InSync) < len(partition.Replicas):
			why = fmt.Sprintf("partition %d has %d of %d replicas in sync", partition.ID, len(partition.InSync), len(partition.Replicas))
			if wanted != "" {
				why += ", min.insync.replicas is " + wanted
			}
		default:
			continue
		}
		p[record.TopicPartition{Topic: t.Name, Partition: partition.ID}] = why
		if any := (record.TopicPartition{Topic: t.Name, Partition: AnyPartition}); p[any] == "" {
			p[any] = why
		}
	}
}

// brokerList names brokers; of those that have left the cluster there is only the number.
func brokerList(ids []int32, names map[int32]string) string {
	list := make([]string, len(ids))
	for i, id := range ids {
		list[i] = "broker " + names[id]
		if names[id] == "" {
			list[i] = fmt.Sprintf("broker %d", id)
		}
	}
	return strings.Join(list, ", ")
}

// trouble is what keeps records of a partition, or of any, from getting on; empty when that is not known.
func (ps *Producers) trouble(topic string, partition int32) string {
	found := ps.plights.Load()
	if found == nil {
		return ""
	}
	return (*found)[record.TopicPartition{Topic: topic, Partition: partition}]
}

// asked is what a producer makes of whether brokers answer; see Engine.
func (ps *Producers) Asked(ctx context.Context, ask cluster.Ask, heard []cluster.Heard, failed error) {
	ps.examine(ctx, ask, heard)
	if failed == nil && len(cluster.SilentOf(heard)) > 0 {
		ps.passOver()
	}
}

// passOver has the producers ask another broker where their topics are. librdkafka asks any that is connected, and
// waits for one that is silent; meanwhile its partitions may have moved.
func (ps *Producers) passOver() {
	for _, p := range ps.all {
		if p.refreshing.CompareAndSwap(false, true) {
			relearn := func() {
				defer p.refreshing.Store(false)
				p.handle.Load().RefreshTopics(ps.life.Context, cluster.TurnTime)
			}
			if !ps.life.Go(relearn) {
				p.refreshing.Store(false)
			}
		}
	}
}
