package v2

import (
	"errors"
	"maps"
	"net/http"
	"slices"
	"strconv"

	"github.com/sluice-proxy/sluice/kafka"
	"github.com/sluice-proxy/sluice/server/rest/exchange"
	"github.com/sluice-proxy/sluice/server/rest/produce"
)

// appendBridgeResults writes the answer of a produce as Strimzi's bridge does. Records that failed have their own status
// as error_code, in an answer that is 200 even if there is no such topic.
func appendBridgeResults(b []byte, results []kafka.Result) []byte {
	b = append(b, `{"offsets":[`...)
	for i := range results {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendBridgeResult(b, &results[i])
	}
	return append(b, `]}`...)
}

func appendBridgeResult(b []byte, r *kafka.Result) []byte {
	if r.Err != nil {
		b = append(b, `{"error_code":`...)
		b = strconv.AppendInt(b, int64(bridgeStatus(r.Err)), 10)
		b = append(b, `,"message":`...)
		b = produce.AppendText(b, exchange.OutcomeReason(r.Err))
		return append(b, '}')
	}
	b = append(b, `{"partition":`...)
	b = produce.AppendNumber(b, int64(r.Partition), true)
	b = append(b, `,"offset":`...)
	b = produce.AppendNumber(b, r.Offset, true)
	return append(b, '}')
}

// bridgeStatus returns the status that a record alone would have had.
func bridgeStatus(e *kafka.ProduceError) int {
	switch {
	case errors.Is(e, kafka.ErrNoTopic), errors.Is(e, kafka.ErrNoPartition):
		return http.StatusNotFound
	case errors.Is(e, kafka.ErrDenied):
		return http.StatusForbidden
	}
	return exchange.NotWritten(e).Status
}

// bridgePartitions lists partitions as Strimzi's bridge shows those of a subscription: an object for each topic.
func bridgePartitions(all []kafka.TopicPartition) []map[string][]int32 {
	of := map[string][]int32{}
	for _, tp := range all {
		of[tp.Topic] = append(of[tp.Topic], tp.Partition)
	}
	list := []map[string][]int32{}
	for _, topic := range slices.Sorted(maps.Keys(of)) {
		slices.Sort(of[topic])
		list = append(list, map[string][]int32{topic: of[topic]})
	}
	return list
}
