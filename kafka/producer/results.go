package producer

import "github.com/sluice-proxy/sluice/kafka/librdkafka"

// Result is how a record that was sent has ended.
type Result struct {
	Partition int32 // where it is, or would have been; AnyPartition when none was chosen
	Offset    int64 // -1 when it is not known, which may be so although it was written
	Timestamp int64 // as the brokers keep it, in milliseconds since the epoch; -1 when it is not known
	Err       *Error
}

// recordPosition is where a record is: what a Result says besides the failure.
type recordPosition struct {
	partition         int32
	offset, timestamp int64
}

func positionOf(r *librdkafka.Report) recordPosition {
	// librdkafka's own offsets that are none are below -1.
	return recordPosition{r.Partition, max(-1, r.Offset), r.Timestamp}
}

func (p *Publisher) position(sequence uint32) *recordPosition {
	return &p.positions[sequence%uint32(len(p.positions))]
}

// keepPositions makes reports leave their places from now on: a session that never asks has no ring for them.
func (p *Publisher) keepPositions() {
	if p.positions != nil { // only the session's goroutine changes that
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.positions = make([]recordPosition, len(p.outcomes))
	for i := range p.positions {
		p.positions[i] = recordPosition{AnyPartition, -1, -1}
	}
}

// Results appends the results of the n oldest delivered records to into, in the order of the Send calls, all
// or none: ok is false while one of them has none, and then the session is woken once they all have.
func (p *Publisher) Results(n int, into []Result) (results []Result, ok bool) {
	p.Push()
	p.mu.Lock()
	defer p.mu.Unlock()
	end := p.first + uint32(n)
	if !p.complete(end) {
		return into, false
	}
	for ; p.first != end; p.first++ {
		into = append(into, p.result(p.first))
	}
	p.shrink()
	return into, true
}

func (p *Publisher) result(sequence uint32) Result {
	r := Result{Partition: AnyPartition, Offset: -1, Timestamp: -1, Err: p.outcomeAt(sequence).err}
	if p.positions != nil {
		at := p.position(sequence)
		r.Partition, r.Offset, r.Timestamp = at.partition, at.offset, at.timestamp
	}
	return r
}
