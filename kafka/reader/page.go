package reader

import (
	"context"
	"fmt"
	"time"

	"github.com/sluice-proxy/sluice/kafka/kerr"
	"github.com/sluice-proxy/sluice/kafka/librdkafka"
	"github.com/sluice-proxy/sluice/kafka/record"
)

// firstFetch is how long the first of the records that are there may take to come.
const firstFetch = 5 * time.Second

// pager is a reading that is under way.
type pager struct {
	ReadRequest

	consumer *librdkafka.Consumer
	queue    *librdkafka.Queue
	page     Page
	bytes    int
	full     bool
	behind   bool // there are records, as far as we know, and none has come
	until    time.Time
	patience time.Time // until when a reader waits for what is not there yet
	failed   error
}

func newPager(consumer *librdkafka.Consumer, queue *librdkafka.Queue, r ReadRequest, page Page) *pager {
	now := time.Now()
	p := &pager{
		ReadRequest: r, consumer: consumer, queue: queue, page: page, behind: page.Next < page.End,
		until: now.Add(r.Wait), patience: now.Add(r.Wait),
	}
	if p.behind {
		p.until = now.Add(max(r.Wait, firstFetch))
	}
	return p
}

// fill takes records until the page is full or the partition's end is reached.
func (p *pager) fill(ctx context.Context) (Page, error) {
	for !p.done() {
		n := len(p.page.Records)
		p.fetch()
		if len(p.page.Records) > n || p.failed != nil {
			continue
		}
		left := time.Until(p.until)
		switch {
		case ctx.Err() != nil:
			return p.page, ctx.Err()
		case left > 0:
			p.consumer.Wait(left)
			continue
		case p.behind:
			return p.page, fmt.Errorf("%w: no record of %s came", kerr.ErrNoAnswer, p.TopicPartition)
		}
		break
	}
	p.page.End = max(p.page.End, p.page.Next)
	return p.page, p.failed
}

func (p *pager) done() bool {
	return p.failed != nil || p.full || len(p.page.Records) > 0 && p.page.Next >= p.page.End
}

// fetch takes what is there.
func (p *pager) fetch() {
	for p.consumer.Poll().Kind != librdkafka.Nothing { // what the brokers say of the partition comes with its records
	}
	messages, _ := p.queue.Fetch(nil, p.Records-len(p.page.Records), p.Bytes-p.bytes, p.note)
	for _, m := range messages {
		r := record.Record{
			TopicPartition: p.TopicPartition, Offset: m.Offset, Timestamp: m.Timestamp, Key: m.Key, Value: m.Value, Headers: m.Headers,
		}
		p.behind = false
		if p.full = p.full || len(p.page.Records) > 0 && p.bytes+r.Size() > p.Bytes; p.full {
			return
		}
		p.bytes += r.Size()
		p.page.Records, p.page.Next = append(p.page.Records, r), r.Offset+1
	}
	p.full = p.full || len(p.page.Records) >= p.Records || p.bytes >= p.Bytes
}

// note takes what comes in place of records.
func (p *pager) note(failing librdkafka.PartitionError) {
	switch code := failing.Code; {
	case code == librdkafka.PartitionEOF: // behind the last record may be what is none: an end of a transaction
		p.behind, p.until = false, p.patience
		if len(p.page.Records) > 0 {
			p.full = true
		}
	case kerr.Of(code).Produce != nil:
		p.failed = fmt.Errorf("%s: %w: %s", p.TopicPartition, kerr.Of(code).Produce, failing.Text)
	}
}
