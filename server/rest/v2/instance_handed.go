package v2

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/sluice-proxy/sluice/kafka"
	"github.com/sluice-proxy/sluice/server/httpconn"
)

// handedReply is a reply that was handed to the network. Until its connection has ended, the client may turn out not to
// have read it.
type handedReply struct {
	receipt *httpconn.Receipt
	offsets map[kafka.TopicPartition][]int64 // of its records
}

// last adds the last offset of each partition to a map.
func (r *handedReply) last(to map[kafka.TopicPartition]int64) {
	for tp, offsets := range r.offsets {
		raise(to, tp, slices.Max(offsets))
	}
}

// raise sets an offset where it is higher.
func raise(offsets map[kafka.TopicPartition]int64, tp kafka.TopicPartition, offset int64) {
	if last, known := offsets[tp]; !known || last < offset {
		offsets[tp] = offset
	}
}

// forget drops a partition from what was delivered. The caller holds mu.
func (in *instance) forget(tp kafka.TopicPartition) {
	delete(in.delivered, tp)
	for _, reply := range in.handed {
		delete(reply.offsets, tp)
	}
}

// markHanded notes a reply that was handed to the network. A commit without offsets covers it, unless it turns out to be
// lost before.
func (in *instance) markHanded(lent []kafka.Delivery, receipt *httpconn.Receipt) {
	reply := &handedReply{receipt: receipt, offsets: map[kafka.TopicPartition][]int64{}}
	for i := range lent {
		reply.offsets[lent[i].TopicPartition] = append(reply.offsets[lent[i].TopicPartition], lent[i].Offset)
	}
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.ended != alive {
		return
	}
	in.handed = slices.DeleteFunc(in.handed, func(earlier *handedReply) bool {
		if !receipt.Follows(earlier.receipt) {
			return false
		}
		earlier.last(in.delivered)
		return true
	})
	in.handed = append(in.handed, reply)
}

// confirmTime is how long a commit waits for the client's machine to confirm a reply. It does so within half a second of
// the client's reading.
const confirmTime = 2 * time.Second

// sortHanded finds out which replies the client did not get, and gives their records back. Without a confirmation in time
// a reply counts as lost: its records come twice then, if it is not. The error says that ctx has ended before.
func (in *instance) sortHanded(ctx context.Context) error {
	bounded, cancel := context.WithTimeout(ctx, confirmTime)
	defer cancel()
	in.mu.Lock()
	handed := slices.Clone(in.handed)
	in.mu.Unlock()
	fates := make(map[*handedReply]httpconn.Fate, len(handed))
	for _, reply := range handed {
		fates[reply] = reply.receipt.Await(bounded)
	}
	if ctx.Err() != nil {
		return fmt.Errorf("%w: the records of this instance are not confirmed yet", kafka.ErrNoAnswer)
	}
	in.mu.Lock()
	defer in.mu.Unlock()
	in.handed = slices.DeleteFunc(in.handed, func(reply *handedReply) bool {
		fate, known := fates[reply]
		switch {
		case !known || fate == httpconn.Arrived:
			return false
		case fate == httpconn.Read:
			reply.last(in.delivered)
		case in.member != nil:
			in.member.GiveBack(reply.records())
		}
		return true
	})
	return nil
}

// records are the places of a reply's records.
func (r *handedReply) records() (list []kafka.Delivery) {
	for tp, offsets := range r.offsets {
		for _, offset := range offsets {
			list = append(list, kafka.Delivery{Record: kafka.Record{TopicPartition: tp, Offset: offset}})
		}
	}
	return list
}

// deliveredThrough is the last offset of each partition that the client has, as far as is known. The caller holds mu.
func (in *instance) deliveredThrough() map[kafka.TopicPartition]int64 {
	through := maps.Clone(in.delivered)
	for _, reply := range in.handed {
		reply.last(through)
	}
	return through
}

// clearDelivered forgets what was delivered. The caller holds mu.
func (in *instance) clearDelivered() {
	clear(in.delivered)
	in.handed = nil
}
