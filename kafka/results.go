package kafka

import "github.com/sluice-proxy/sluice/kafka/librdkafka"

// Result is how a record that was sent has ended.
type Result struct {
	Partition int32 // where it is, or would have been; AnyPartition when none was chosen
	Offset    int64 // -1 when it is not known, which may be so although it was written
	Timestamp int64 // as the brokers keep it, in milliseconds since the epoch; -1 when it is not known
	Err       *ProduceError
}

// place is where a record is: what a Result says besides the failure.
type place struct {
	partition         int32
	offset, timestamp int64
}

func placeOf(r *librdkafka.Report) place {
	// librdkafka's own offsets that are none are below -1.
	return place{r.Partition, max(-1, r.Offset), r.Timestamp}
}

func (p *Publisher) place(sequence uint32) *place {
	return &p.places[sequence%uint32(len(p.places))]
}

// keepPlaces makes reports leave their places from now on: a session that never asks has no ring for them.
func (p *Publisher) keepPlaces() {
	if p.places != nil { // only the session's goroutine changes that
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.places = make([]place, len(p.outcomes))
	for i := range p.places {
		p.places[i] = place{AnyPartition, -1, -1}
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
	r := Result{Partition: AnyPartition, Offset: -1, Timestamp: -1, Err: p.slot(sequence).err}
	if p.places != nil {
		at := p.place(sequence)
		r.Partition, r.Offset, r.Timestamp = at.partition, at.offset, at.timestamp
	}
	return r
}
