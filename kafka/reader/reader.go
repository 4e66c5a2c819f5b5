// Package reader reads partitions for those who are in no group.
package reader

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/sluice-proxy/sluice/kafka/cluster"
	"github.com/sluice-proxy/sluice/kafka/config"
	"github.com/sluice-proxy/sluice/kafka/kerr"
	"github.com/sluice-proxy/sluice/kafka/librdkafka"
	"github.com/sluice-proxy/sluice/kafka/lifetime"
	"github.com/sluice-proxy/sluice/kafka/record"
)

// ReadRequest asks for a piece of a partition. Who asks is in no group and leaves no trace.
type ReadRequest struct {
	// Target is where to begin. What is no more there is passed over.
	cluster.Target
	// Records and Bytes are how much is read at most; one record comes whatever its size.
	Records, Bytes int
	// Wait is how long to wait for a first record.
	Wait time.Duration
}

// Page is a piece of a partition.
type Page struct {
	Records []record.Record
	Next    int64 // where to go on
	// Begin and End are what the partition holds: from Begin up to, but not including, End.
	Begin, End int64
}

// Reader reads partitions for those who are in no group.
type Reader struct {
	settings *atomic.Pointer[config.Config]
	life     *lifetime.Lifetime
	cluster  *cluster.Cluster
	bound    func() int64 // bytes of the C heap above which answers to fetches wait
	pool     *pool
}

// New makes a reader; bound tells how many bytes of the C heap may be in use before answers to fetches wait.
func New(settings *atomic.Pointer[config.Config], life *lifetime.Lifetime, cluster *cluster.Cluster, bound func() int64) *Reader {
	return &Reader{settings: settings, life: life, cluster: cluster, bound: bound, pool: newPool()}
}

// Close ends the consumers that nobody uses; those in use end with their readings.
func (rs *Reader) Close(ctx context.Context) { rs.pool.close(ctx) }

// Read reads a piece of a partition. It ends at the end that the partition had when it began, or with Wait.
// ErrNoTopic and ErrNoPartition say that there is none, a *BeyondError that it ends before Target.
func (rs *Reader) Read(ctx context.Context, r ReadRequest) (Page, error) {
	page, err := rs.find(ctx, &r.Target)
	if err != nil || page.Next == page.End && r.Wait == 0 {
		return page, err
	}
	p, err := rs.take(ctx)
	if err != nil {
		return page, err
	}
	defer rs.pool.give(p) //nolint:contextcheck // it does not end with the reading
	bounded, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(rs.life.Context, cancel)() //nolint:contextcheck // the client ends what its callers began
	page, err = p.read(bounded, r, page)
	if err != nil && rs.life.Context.Err() != nil {
		return page, kerr.ErrStopping
	}
	return page, err
}

// find makes the page that begins at the target, with nothing on it.
func (rs *Reader) find(ctx context.Context, t *cluster.Target) (page Page, err error) {
	page.Begin, page.End, err = rs.cluster.PartitionOffsets(ctx, t.TopicPartition)
	if err != nil {
		return page, err
	}
	page.Next = max(page.Begin, t.Offset)
	switch {
	case t.Offset == cluster.Latest:
		page.Next = page.End
	case t.Offset == cluster.AtTime:
		at, err := rs.cluster.OffsetsAt(ctx, []cluster.Target{*t})
		if page.Next = at[t.TopicPartition]; page.Next < 0 { // nothing is that young
			page.Next = page.End
		}
		return page, err
	case page.Next > page.End:
		return page, &cluster.BeyondError{Target: *t, Begin: page.Begin, End: page.End}
	}
	return page, nil
}

// read fills the page.
func (p *pooledConsumer) read(ctx context.Context, r ReadRequest, page Page) (Page, error) {
	queue := p.consumer.Queue(r.Topic, r.Partition)
	if queue == nil {
		return page, fmt.Errorf("partition %s: %w", r.TopicPartition, kerr.ErrNoPartition)
	}
	defer queue.Close()
	whole := []librdkafka.Partition{{Topic: r.Topic, ID: r.Partition, Offset: page.Next}}
	if err := p.consumer.Assign(whole); err != nil {
		p.spoiled = true
		return page, err
	}
	defer func() { p.spoiled = p.consumer.Unassign(whole) != nil || p.spoiled }()
	defer context.AfterFunc(ctx, p.consumer.Wake)()
	return newPager(p.consumer, queue, r, page).fill(ctx)
}
