package produce

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"github.com/sluice-proxy/sluice/kafka"
	"github.com/sluice-proxy/sluice/server/rest/exchange"
)

// AppendPosition ends an object with the partition, the offset and the timestamp of a record.
func AppendPosition(b []byte, r *kafka.Result) []byte {
	b = append(b, `,"partition":`...)
	b = AppendNumber(b, int64(r.Partition), true)
	b = append(b, `,"offset":`...)
	b = AppendNumber(b, r.Offset, true)
	b = append(b, `,"timestamp":`...)
	b = AppendNumber(b, r.Timestamp, true)
	return append(b, '}')
}

// AppendNumber writes a number, or null if it is not known.
func AppendNumber(b []byte, n int64, known bool) []byte {
	if !known || n < 0 {
		return append(b, "null"...)
	}
	return strconv.AppendInt(b, n, 10)
}

// AppendProblem writes what a result says about a record that is not written, or may not be.
func AppendProblem(out []byte, f *exchange.Failure) []byte {
	out = append(out, `"error_code":`...)
	out = strconv.AppendInt(out, int64(f.Code), 10)
	out = append(out, `,"message":`...)
	out = AppendText(out, f.Message)
	if f.Outcome != "" {
		out = append(out, `,"outcome":"`+f.Outcome+`"`...)
	}
	return out
}

// AppendText writes a string of JSON.
func AppendText(b []byte, text string) []byte {
	quoted, _ := json.Marshal(text) // cannot fail for a string
	return append(b, quoted...)
}

// RejectedWhole returns why no record of a request can ever be written, if that has an answer of its own. It asks the
// brokers for the topic if all records were rejected, but not for lack of rights.
func RejectedWhole(x *exchange.Exchange, to int32, results []kafka.Result) error {
	denied := 0
	for i := range results {
		if results[i].Err == nil || results[i].Err.Outcome != kafka.Rejected {
			return nil
		}
		if errors.Is(results[i].Err, kafka.ErrDenied) {
			denied++
		}
	}
	if denied == len(results) {
		return fmt.Errorf("%w: %s", kafka.ErrDenied, results[0].Err.Reason)
	}
	found, err := x.Topic()
	switch {
	case errors.Is(err, kafka.ErrNoTopic), errors.Is(err, kafka.ErrDenied):
		return err
	case err != nil || to == kafka.AnyPartition:
		return nil // the errors of the records say more
	}
	if slices.ContainsFunc(found.Partitions, func(p kafka.PartitionInfo) bool { return p.ID == to }) {
		return nil
	}
	return exchange.NoPartition()
}
