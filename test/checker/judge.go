package main

import (
	"fmt"
	"slices"
	"time"
)

// history is everything that is known of one fault: what the clients saw, and what the topics hold
// after it.
type history struct {
	Events []event  // by time
	Web    bool     // the clients speak HTTP: they hold leases, of which no order is promised
	Log    []stored // by topic, partition and offset
	// Forgiven are the times in which sluice may forget acknowledgements: up to a commit interval
	// before it was killed.
	Forgiven []span
	// Outages are the times in which acknowledgements may be of another log than who gave them thought: what was
	// handed out or acknowledged then, or within a commit interval before or after, may come again.
	Outages []span
	// Load is when the clients worked; stalls are measured in it.
	Load span
	// Topics says what the topics are for.
	Topics topicUses
	// Counted is what sluice itself counts.
	Counted counted
	// BufferedMayVanish says that sluice was killed: what it had buffered is lost, and counted.
	BufferedMayVanish bool
	// Gone is what topics held that were deleted or cut, and whose names or offsets others have now.
	// Nobody needs to be handed those.
	Gone []stored
	// Reset says that a connection's records may come again to it in front of others: the group's position was
	// reset, as its place was gone, or its partitions were lost and came back.
	Reset bool
	// Deleted is what retention has deleted, from the front of partitions of Log.
	Deleted []stored
	// Unordered says that brokers refused batches for single records: of those sent again no order is promised.
	Unordered bool
	// Given is what is known besides of records that fail; nil where none does.
	Given *given
}

// topicUses says what the topics of a fault are for. None is both healthy and sick.
type topicUses struct {
	// Buffered is the topic of records that are buffered in memory, "" for none.
	Buffered string
	// Fresh is a topic that was used for the first time during the fault, "" for none.
	Fresh string
	// Healthy are the topics whose produces nothing that happens to others may hurt.
	Healthy []string
	// Sick are topics that are there to hurt others: how their produces end is of no matter.
	Sick []string
}

func (u *topicUses) isHealthy(topic string) bool { return slices.Contains(u.Healthy, topic) }

func (u *topicUses) isSick(topic string) bool { return slices.Contains(u.Sick, topic) }

// besides lists the buffered and the fresh topic, those that there are.
func (u *topicUses) besides() []string {
	return slices.DeleteFunc([]string{u.Buffered, u.Fresh}, func(topic string) bool { return topic == "" })
}

// counted is what sluice says of records itself, in stats, metrics and to DUMP. What it says of buffered ones is no
// silent loss.
type counted struct {
	// Failed is how many were not, or perhaps not, delivered. When a record times out or a batch is refused,
	// librdkafka gives its producer a new epoch, and then what is under way for other partitions may be written
	// twice (librdkafka issue 4953).
	Failed int
	// Rejected is how many of the failed sluice calls rejected, those included that clients were answered.
	Rejected int
	// Skipped is how many records sluice says that it had to skip.
	Skipped int
}

// readProducer takes the figures of the producer from stats.
func (c *counted) readProducer(stat func(name string) (int, error)) (err error) {
	if c.Failed, err = stat("producer.delivery.errors"); err != nil {
		return err
	}
	c.Rejected, err = stat("producer.rejected")
	return err
}

// stored is a record of a topic.
type stored struct {
	place
	Key   string `json:"key,omitempty"`
	Value string `json:"value"`
	// Producer is the id and the epoch that wrote it: two copies with one id and two epochs were numbered anew.
	Producer string `json:"producer,omitempty"`
}

// span is a stretch of time, in nanoseconds of the wall clock.
type span struct{ From, To int64 }

func (s span) has(t int64) bool { return s.From <= t && t <= s.To }

// row is a line of the table: one way through sluice during one fault.
type row struct {
	Path       string
	Operations int // records sent, or handed out
	OK         int // answered :1: in the topic, or acknowledged
	Lost       int
	Skipped    int // deleted before they were handed out, as sluice says
	Duplicated int // in the topic more than once, or handed out after the acknowledgement
	Disordered int
	Wrongly    int // good records that were rejected
	Unknown    int // nobody was told how it ended
	Refused    int // produces that were answered "not written"; those rejected wrongly are not among them
	Again      int // handed out more than once, rightly: they were not acknowledged
	Stall      time.Duration
}

// verdict is the judgement of a history.
type verdict struct {
	Rows   []row
	Notes  []string // for people
	Broken []broken
}

// broken is a rule that was not kept, how often, and the first examples.
type broken struct {
	Rule     string
	Times    int
	Examples []string
}

func (b *broken) String() string {
	return fmt.Sprintf("%s: %d times, such as %.60q", b.Rule, b.Times, b.Examples)
}

// maxExamples bounds what is said about one rule.
const maxExamples = 5

// breach notes that a rule was broken.
func (v *verdict) breach(rule, format string, args ...any) {
	b := v.rule(rule)
	if b == nil {
		v.Broken = append(v.Broken, broken{Rule: rule})
		b = &v.Broken[len(v.Broken)-1]
	}
	if b.Times++; len(b.Examples) < maxExamples {
		b.Examples = append(b.Examples, fmt.Sprintf(format, args...))
	}
}

// rule is how a rule was broken, nil when it was kept.
func (v *verdict) rule(rule string) *broken {
	for i := range v.Broken {
		if v.Broken[i].Rule == rule {
			return &v.Broken[i]
		}
	}
	return nil
}

// judge decides whether the promises were kept.
func judge(h *history) *verdict {
	v := &verdict{}
	judgeProduced(h, v)
	newConsumption(h, v).judge()
	judgeFailing(h, v)
	return v
}

// longestGap is the longest time within load in which nothing of what was timed happened.
func longestGap(load span, times []int64) time.Duration {
	last, gap := load.From, int64(0)
	for _, t := range times {
		if load.has(t) {
			gap, last = max(gap, t-last), t
		}
	}
	return time.Duration(max(gap, load.To-last))
}
