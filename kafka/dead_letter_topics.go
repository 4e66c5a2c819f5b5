package kafka

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/sluice-proxy/sluice/kafka/cluster"
	"github.com/sluice-proxy/sluice/kafka/failures"
	"github.com/sluice-proxy/sluice/kafka/reader"
	"github.com/sluice-proxy/sluice/kafka/record"
)

// DeadLetterTopic is a dead-letter topic, and what a sample of its newest letters says.
type DeadLetterTopic struct {
	Name    string
	Records int64     // from the first to the last offset of each partition
	Oldest  time.Time // timestamp of the first record, of the partitions that were looked at; zero if not known
	Sampled int       // letters that were looked at
	Top     string    // the class of most of them, or the reason of letters without a class; empty for none
	OfTop   int       // how many of them have it
}

// The bounds of a look at dead-letter topics.
const (
	// LetterSample is how many of a topic's newest letters are looked at.
	LetterSample = 200

	samplePartitions = 10      // of a topic, those with the most records
	sampleBytes      = 2 << 20 // of a partition
	samplers         = 4       // topics at once: half of the places for readings
	sampleTime       = 10 * time.Second
)

// DeadLetterTopics looks at dead-letter topics, by default at all whose names begin with dlq. or are in the policies. A topic that
// could not be read in time has nothing sampled.
func (c *Client) DeadLetterTopics(ctx context.Context, names []string) ([]DeadLetterTopic, error) {
	if len(names) == 0 {
		all, err := c.TopicNames(ctx)
		if err != nil {
			return nil, err
		}
		policies := c.settings.Load().Failures
		names = slices.DeleteFunc(all, func(name string) bool { return !policies.IsLetterTopic(name) })
	}
	if len(names) == 0 {
		return nil, nil
	}
	topics, err := c.TopicsWithOffsets(ctx, names)
	if err != nil {
		return nil, err
	}
	list := make([]DeadLetterTopic, len(topics))
	bounded, cancel := context.WithTimeout(ctx, sampleTime)
	defer cancel()
	places := make(chan struct{}, samplers)
	var all sync.WaitGroup
	for i := range topics {
		places <- struct{}{}
		all.Go(func() {
			list[i] = c.sample(bounded, &topics[i])
			<-places
		})
	}
	all.Wait()
	return list, ctx.Err()
}

// sample looks at the newest letters of a topic, in equal shares of its partitions, and at the first record of each.
func (c *Client) sample(ctx context.Context, t *cluster.Topic) DeadLetterTopic {
	d := DeadLetterTopic{Name: t.Name}
	var filled []cluster.PartitionInfo
	for _, p := range t.Partitions {
		if p.High > p.Low {
			d.Records += p.High - p.Low
			filled = append(filled, p)
		}
	}
	slices.SortFunc(filled, func(a, b cluster.PartitionInfo) int { return int(min(1, max(-1, (b.High-b.Low)-(a.High-a.Low)))) })
	filled = filled[:min(len(filled), samplePartitions)]
	classes := map[string]int{}
	for i := range filled {
		p := &filled[i]
		share := int64(LetterSample / len(filled))
		tp := record.TopicPartition{Topic: t.Name, Partition: p.ID}
		newest := c.some(ctx, tp, max(p.Low, p.High-share), int(share))
		first := newest
		if p.High-share > p.Low {
			first = c.some(ctx, tp, p.Low, 1)
		}
		d.noteOldest(first)
		for i := range newest {
			if f, is := failures.Find(&newest[i]); is {
				classes[className(&f.Failure)]++
				d.Sampled++
			}
		}
	}
	d.Top, d.OfTop = mostOf(classes)
	return d
}

// some reads records of a partition, none if that fails: a look at a topic tells what it can.
func (c *Client) some(ctx context.Context, tp record.TopicPartition, from int64, n int) []record.Record {
	page, err := c.Read(ctx, reader.ReadRequest{Target: cluster.Target{TopicPartition: tp, Offset: from}, Records: n, Bytes: sampleBytes})
	if err != nil {
		return nil
	}
	return page.Records
}

func (d *DeadLetterTopic) noteOldest(records []record.Record) {
	if len(records) == 0 || records[0].Timestamp < 0 {
		return
	}
	if at := time.UnixMilli(records[0].Timestamp); d.Oldest.IsZero() || at.Before(d.Oldest) {
		d.Oldest = at
	}
}

// className is the class of a failure. Failures that no client has named have only a reason.
func className(f *failures.Failure) string {
	if f.Class == "" {
		return "(" + string(f.Reason) + ")"
	}
	return f.Class
}

// mostOf is the class that most have, the first of several by name.
func mostOf(classes map[string]int) (top string, n int) {
	for _, name := range slices.Sorted(maps.Keys(classes)) {
		if classes[name] > n {
			top, n = name, classes[name]
		}
	}
	return top, n
}
