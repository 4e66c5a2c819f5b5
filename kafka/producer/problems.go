package producer

import (
	"context"
	"fmt"
	"strings"

	"github.com/sluice-proxy/sluice/kafka/cluster"
	"github.com/sluice-proxy/sluice/kafka/librdkafka"
	"github.com/sluice-proxy/sluice/kafka/record"
)

// problems say what keeps the records of partitions from being written.
type problems map[record.TopicPartition]string

// maxDiagnosed is how many topics sluice asks for in a round.
const maxDiagnosed = 200

// diagnose asks the brokers for the topics whose records are not written. It remembers what is wrong with the partitions.
func (ps *Producers) diagnose(ctx context.Context, ask cluster.Ask, heard []cluster.Heard) {
	var stalled []string
	stalled, ps.lastWritten = ps.counters.stalled(ps.lastWritten)
	if len(stalled) == 0 {
		ps.problems.Store(nil)
		return
	}
	var topics []librdkafka.Topic
	err := ask(ctx, func(ctx context.Context, a *cluster.Admin) (err error) {
		topics, err = a.TopicsByName(ctx, stalled[:min(len(stalled), maxDiagnosed)])
		return err
	})
	if err != nil {
		return
	}
	found := problems{}
	asked := 0
	for i := range topics {
		minInSync := ""
		if t := &topics[i]; underReplicated(t) && asked < maxSettingsAsked {
			minInSync, asked = ps.minInSync(ctx, t.Name), asked+1
		}
		found.add(&topics[i], heard, minInSync)
	}
	ps.logProblems(found)
	ps.problems.Store(&found)
}

// logProblems logs what is wrong with topics, once.
func (ps *Producers) logProblems(found problems) {
	for tp, why := range found {
		if tp.Partition == AnyPartition && ps.knownProblem(tp) != why {
			ps.log.Warn("records of a topic do not arrive", "topic", tp.Topic, "reason", why)
		}
	}
}

// maxSettingsAsked is how many topics are asked for their settings in a round.
const maxSettingsAsked = 10

// minInSync is the topic's min.insync.replicas; empty when it is not known.
func (ps *Producers) minInSync(ctx context.Context, topic string) string {
	bounded, cancel := context.WithTimeout(ctx, cluster.QuestionTime/5)
	defer cancel()
	wanted, err := ps.topicSetting(bounded, topic, "min.insync.replicas")
	if err != nil {
		return ""
	}
	return wanted
}

// underReplicated tells whether a partition of the topic has a replica that is not in sync.
func underReplicated(t *librdkafka.Topic) bool {
	for _, p := range t.Partitions {
		if len(p.InSync) < len(p.Replicas) {
			return true
		}
	}
	return false
}

// stalled lists the topics with records under way of which none was written since the last call. before is what the
// last call returned as now: by topic, how many records were written.
func (t *counterTable) stalled(before map[string]int64) (topics []string, now map[string]int64) {
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

// add remembers what is wrong with the partitions of a topic. minInSync is the topic's setting, or empty.
func (p problems) add(t *librdkafka.Topic, heard []cluster.Heard, minInSync string) {
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
			if minInSync != "" {
				why += ", min.insync.replicas is " + minInSync
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

// brokerList names brokers. A broker that has left the cluster has only a number.
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

// problem is what keeps records of a partition from being written; empty when it is not known. AnyPartition asks for any.
func (ps *Producers) problem(topic string, partition int32) string {
	if err := ps.cluster.Unreachable(); err != nil {
		return err.Error()
	}
	if known := ps.knownProblem(record.TopicPartition{Topic: topic, Partition: partition}); known != "" {
		return known
	}
	return ps.cluster.ThrottledProducers()
}

// knownProblem is what the last question found out about a partition.
func (ps *Producers) knownProblem(tp record.TopicPartition) string {
	found := ps.problems.Load()
	if found == nil {
		return ""
	}
	return (*found)[tp]
}

// Asked is called after each question to the brokers whether they answer; see cluster.Engine.
func (ps *Producers) Asked(ctx context.Context, ask cluster.Ask, heard []cluster.Heard, failed error) {
	ps.offline.Store(failed != nil)
	ps.diagnose(ctx, ask, heard)
	if failed == nil && len(cluster.SilentOf(heard)) > 0 {
		ps.refreshTopics()
	}
}

// refreshTopics has the producers ask another broker where their topics are. librdkafka asks any connected broker. It
// waits for a silent one, whose partitions may have moved meanwhile.
func (ps *Producers) refreshTopics() {
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
