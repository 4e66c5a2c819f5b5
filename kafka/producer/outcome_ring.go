package producer

import "github.com/sluice-proxy/sluice/kafka/librdkafka"

// outcomeRing keeps the outcomes of a session's delivered records in the order of the calls. Reports arrive in any
// order. The session takes outcomes from the front. The publisher's lock guards the ring.
type outcomeRing struct {
	outcomes  []outcome        // of the records from first to before next
	positions []recordPosition // of the same records; nil until the session asks for positions
	first     uint32           // sequence number of the oldest record
	next      uint32           // sequence number of the next record
	done      uint32           // all records before this one have their outcome
}

type outcome struct {
	err  *Error
	done bool
}

// recordPosition is a record's position in the log, the part of a Result besides the failure.
type recordPosition struct {
	partition         int32
	offset, timestamp int64
}

// nowhere is the position of a record that has none, or whose position nobody knows.
var nowhere = recordPosition{AnyPartition, -1, -1}

func positionOf(r *librdkafka.Report) recordPosition {
	// Below -1 are librdkafka's names for no offset.
	return recordPosition{r.Partition, max(-1, r.Offset), r.Timestamp}
}

// track makes room for the outcome of the next record, and returns the record's sequence number.
func (g *outcomeRing) track() uint32 {
	if int(g.next-g.first) == len(g.outcomes) {
		g.grow()
	}
	*g.outcome(g.next) = outcome{}
	g.next++
	return g.next - 1
}

// grow doubles the ring. Its size stays a power of two, so that sequence numbers may wrap.
func (g *outcomeRing) grow() {
	size := max(16, 2*len(g.outcomes))
	g.outcomes = enlarged(g.outcomes, size, g.first, g.next)
	if g.positions != nil {
		g.positions = enlarged(g.positions, size, g.first, g.next)
	}
}

// enlarged copies a ring into a larger one. Only elements from first to before next are copied.
func enlarged[T any](old []T, size int, first, next uint32) []T {
	larger := make([]T, size)
	for s := first; s != next; s++ {
		larger[s%uint32(size)] = old[s%uint32(len(old))]
	}
	return larger
}

func (g *outcomeRing) outcome(sequence uint32) *outcome {
	return &g.outcomes[sequence%uint32(len(g.outcomes))]
}

func (g *outcomeRing) position(sequence uint32) *recordPosition {
	return &g.positions[sequence%uint32(len(g.positions))]
}

// report enters the outcome of a record. It returns false when the session has given the record up.
func (g *outcomeRing) report(r *librdkafka.Report, failure *Error) bool {
	sequence := uint32(r.Opaque)
	if sequence-g.first >= g.next-g.first {
		return false
	}
	*g.outcome(sequence) = outcome{err: failure, done: true}
	if g.positions != nil {
		*g.position(sequence) = positionOf(r)
	}
	g.advance()
	return true
}

// advance moves done behind all records that have their outcome.
func (g *outcomeRing) advance() {
	for g.done != g.next && g.outcome(g.done).done {
		g.done++
	}
}

// allReported tells whether all records before end have their outcome.
//
//checker:seam every-record-reported
func (g *outcomeRing) allReported(end uint32) bool { return int32(g.done-end) >= 0 }

// take removes the oldest record, and returns its outcome.
func (g *outcomeRing) take() outcome {
	oldest := *g.outcome(g.first)
	g.first++
	return oldest
}

// result is take, with the record's position.
func (g *outcomeRing) result() Result {
	r := Result{Partition: AnyPartition, Offset: -1, Timestamp: -1}
	if g.positions != nil {
		at := g.position(g.first)
		r.Partition, r.Offset, r.Timestamp = at.partition, at.offset, at.timestamp
	}
	r.Err = g.take().err
	return r
}

// forget removes the n oldest records, whether they have an outcome or not.
func (g *outcomeRing) forget(n int) {
	g.first += uint32(n)
	if int32(g.done-g.first) < 0 {
		g.done = g.first
		g.advance()
	}
}

// giveUp enters an outcome for those of the n oldest records that have none.
func (g *outcomeRing) giveUp(n int, failure *Error) {
	for s := g.first; s != g.first+uint32(n); s++ {
		o := g.outcome(s)
		if o.done {
			continue
		}
		*o = outcome{err: failure, done: true}
		if g.positions != nil {
			*g.position(s) = nowhere
		}
	}
	g.advance()
}

// shrink lets the memory of an idle session go.
func (g *outcomeRing) shrink() {
	if g.first == g.next && len(g.outcomes) > 16 {
		g.outcomes, g.positions = nil, nil
	}
}

// keepPositions has reports enter positions from now on. Earlier records have no position.
func (g *outcomeRing) keepPositions() {
	g.positions = make([]recordPosition, len(g.outcomes))
	for i := range g.positions {
		g.positions[i] = nowhere
	}
}
