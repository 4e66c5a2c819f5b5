package producer

// batchQueue holds packed records in the order in which sessions pushed them. The accumulator's lock guards the queue.
type batchQueue struct {
	batches []batch
	records int     // in the batches, without those that were put back
	pushes  int64   // the number of the last push
	spare   []batch // the memory of batches that were handed over
}

// batch is records of one topic, packed.
type batch struct {
	topic  *topic
	packed []byte
	push   int64 // the number of the last push that is in it
}

func (q *batchQueue) empty() bool { return len(q.batches) == 0 }

// add copies the packed records to the end, and returns the number of the push.
func (q *batchQueue) add(t *topic, packed []byte, records int) int64 {
	q.pushes++
	b := q.last(t)
	b.packed, b.push = append(b.packed, packed...), q.pushes
	q.records += records
	return q.pushes
}

// last returns the batch at the end. It begins a batch if the last one is of another topic.
func (q *batchQueue) last(t *topic) *batch {
	n := len(q.batches)
	if n > 0 && q.batches[n-1].topic == t {
		return &q.batches[n-1]
	}
	if n == cap(q.batches) {
		q.batches = append(q.batches, batch{})
	}
	q.batches = q.batches[:n+1] // with the memory of an earlier batch
	b := &q.batches[n]
	b.topic, b.packed = t, b.packed[:0]
	return b
}

// takeAll empties the queue.
func (q *batchQueue) takeAll() []batch {
	batches := q.batches
	q.batches, q.spare, q.records = q.spare, nil, 0
	return batches
}

// putBack puts batches that were taken in front of all others.
func (q *batchQueue) putBack(batches []batch) { q.batches = append(batches, q.batches...) }

// reuse keeps the memory of batches that were handed over.
func (q *batchQueue) reuse(batches []batch) { q.spare = batches[:0] }
