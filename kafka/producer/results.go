package producer

// Result is how a record that was sent has ended.
type Result struct {
	Partition int32 // where it is, or would have been; AnyPartition when none was chosen
	Offset    int64 // -1 when it is not known, which may be so although it was written
	Timestamp int64 // as the brokers keep it, in milliseconds since the epoch; -1 when it is not known
	Err       *Error
}

// Results appends the results of the n oldest delivered records to into, in the order of the Send calls, all
// or none: ok is false while one of them has none, and then the session is woken once they all have.
func (p *Publisher) Results(n int, into []Result) (results []Result, ok bool) {
	p.Push()
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.complete(n) {
		return into, false
	}
	for range n {
		into = append(into, p.ring.result())
	}
	p.ring.shrink()
	return into, true
}

// keepPositions makes reports leave their places from now on: a session that never asks has no ring for them.
func (p *Publisher) keepPositions() {
	if p.ring.positions != nil { // only the session's goroutine changes that
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ring.keepPositions()
}
