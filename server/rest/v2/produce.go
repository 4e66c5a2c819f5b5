package v2

import (
	"errors"
	"net/http"
	"strconv"

	"github.com/sluice-proxy/sluice/kafka"
	"github.com/sluice-proxy/sluice/server/recordjson"
	"github.com/sluice-proxy/sluice/server/rest/exchange"
	"github.com/sluice-proxy/sluice/server/rest/produce"
)

// produceRecords answers how each record ended. The status is 200 even if some failed, as in the Confluent REST Proxy.
// With async=true it answers 204 when all records are in memory.
func produceRecords(x *exchange.Exchange) error {
	b, err := readBatch(x)
	if err != nil {
		return err
	}
	later, err := isAsync(x)
	if err != nil {
		return err
	}
	d, err := produce.NewDelivery(x)
	if err != nil {
		return err
	}
	defer d.Close()
	if later {
		return enqueue(x, d, b)
	}
	results, err := d.Deliver(x.R.Context(), b.Records)
	if err != nil {
		return err
	}
	return answerResults(x, b, results)
}

// answerResults answers how each record ended.
func answerResults(x *exchange.Exchange, b *recordjson.Parser, results []kafka.Result) error {
	err := produce.RejectedWhole(x, b.To.Partition, results)
	switch {
	case x.Opts.BridgeAnswers:
		x.Send(http.StatusOK, appendBridgeResults(nil, results))
	case errors.Is(err, kafka.ErrDenied):
		x.Send(http.StatusForbidden, appendDenied(err, results))
	case err != nil:
		return err
	default:
		x.Send(http.StatusOK, append(appendResults([]byte{'{'}, results), '}'))
	}
	return nil
}

// appendDenied writes the answer to records that the brokers deny: the failure, and what the Confluent REST Proxy says of
// each record.
func appendDenied(err error, results []kafka.Result) []byte {
	b := produce.AppendProblem([]byte{'{'}, exchange.AsFailure(err))
	return append(appendResults(append(b, ','), results), '}')
}

// readBatch reads the records of the request.
func readBatch(x *exchange.Exchange) (*recordjson.Parser, error) {
	name, err := x.TopicName()
	if err != nil {
		return nil, err
	}
	b := &recordjson.Parser{
		Most: x.Opts.MaxRecords, Valued: x.Opts.BridgeAnswers,
		To: kafka.Outgoing{Topic: name, Partition: kafka.AnyPartition, Headers: produce.AppendTraceContext(nil, x.R.Header)},
	}
	if x.R.PathValue("partition") != "" {
		if b.To.Partition, err = x.Partition(); err != nil {
			return nil, err
		}
	}
	if b.Format, err = recordFormat(x); err != nil {
		return nil, err
	}
	body, err := neededBody(x)
	if err != nil {
		return nil, err
	}
	if err = b.Read(body); errors.Is(err, recordjson.ErrNoRecords) {
		err = incomplete(err.Error())
	}
	return b, err
}

// isAsync reports whether the client does not wait for the brokers.
func isAsync(x *exchange.Exchange) (bool, error) {
	if x.R.URL.RawQuery == "" {
		return false, nil
	}
	return exchange.Flag(x.R.URL.Query(), "async")
}

// enqueue answers 204 if all records got into a queue. If not, it says for each whether it did.
func enqueue(x *exchange.Exchange, d *produce.Delivery, b *recordjson.Parser) error {
	results, failed, err := d.Buffer(x.R.Context(), b.Records)
	switch {
	case err != nil:
		return err
	case failed == 0:
		x.Send(http.StatusNoContent, nil)
		return nil
	}
	return answerResults(x, b, results)
}

// appendResults writes the members of a produce's answer.
func appendResults(b []byte, results []kafka.Result) []byte {
	b = append(b, `"offsets":[`...)
	for i := range results {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendResult(b, &results[i])
	}
	return append(b, `],"key_schema_id":null,"value_schema_id":null`...)
}

func appendResult(b []byte, r *kafka.Result) []byte {
	b = append(b, `{"partition":`...)
	b = produce.AppendNumber(b, int64(r.Partition), r.Err == nil)
	b = append(b, `,"offset":`...)
	b = produce.AppendNumber(b, r.Offset, r.Err == nil)
	if r.Err == nil {
		return append(b, `,"error_code":null,"error":null}`...)
	}
	b = append(b, `,"error_code":`...)
	b = strconv.AppendInt(b, int64(resultCode(r.Err)), 10)
	b = append(b, `,"error":`...)
	b = produce.AppendText(b, exchange.OutcomeReason(r.Err))
	return append(b, '}')
}

// resultCode returns the error_code of a record.
func resultCode(e *kafka.ProduceError) int {
	if errors.Is(e, kafka.ErrDenied) {
		return exchange.CodeDenied
	}
	return exchange.OutcomeCode(e.Outcome)
}
