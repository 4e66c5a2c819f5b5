package rest

import (
	"net/http"
	"strconv"

	"github.com/sluice-proxy/sluice/kafka"
)

// produce answers how each record ended: 200 also when some failed, as v2 has it. With async=true it
// answers 204 once all are queued in memory.
func produce(x *exchange) error {
	b, err := x.batch()
	if err != nil {
		return err
	}
	later, err := x.async()
	if err != nil {
		return err
	}
	d, err := x.desk()
	if err != nil {
		return err
	}
	defer d.close()
	if later {
		return x.enqueue(d, b)
	}
	results, err := d.deliver(x.r.Context(), b.records)
	if err != nil {
		return err
	}
	return x.tell(b, results)
}

// tell answers how each record ended.
func (x *exchange) tell(b *batch, results []kafka.Result) error {
	if err := x.impossible(b.to.Partition, results); err != nil {
		return err
	}
	x.send(http.StatusOK, appendResults(nil, results))
	return nil
}

// batch reads the records to be produced.
func (x *exchange) batch() (*batch, error) {
	name, err := x.topicName()
	if err != nil {
		return nil, err
	}
	b := &batch{most: x.opts.MaxRecords, to: kafka.Outgoing{Topic: name, Partition: kafka.AnyPartition}}
	if x.r.PathValue("partition") != "" {
		if b.to.Partition, err = x.partition(); err != nil {
			return nil, err
		}
	}
	if b.format, err = x.format(); err != nil {
		return nil, err
	}
	body, err := x.body()
	if err != nil {
		return nil, err
	}
	return b, b.read(body)
}

// async tells whether the client does not wait for the brokers.
func (x *exchange) async() (bool, error) {
	if x.r.URL.RawQuery == "" {
		return false, nil
	}
	return flag(x.r.URL.Query(), "async")
}

// enqueue answers 204 when all records are queued; otherwise it says of each whether it is.
func (x *exchange) enqueue(d *desk, b *batch) error {
	results, failed, err := d.buffer(x.r.Context(), b.records)
	switch {
	case err != nil:
		return err
	case failed == 0:
		x.send(http.StatusNoContent, nil)
		return nil
	}
	return x.tell(b, results)
}

// appendResults writes the answer of a produce.
func appendResults(b []byte, results []kafka.Result) []byte {
	b = append(b, `{"offsets":[`...)
	for i := range results {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendResult(b, &results[i])
	}
	return append(b, `],"key_schema_id":null,"value_schema_id":null}`...)
}

func appendResult(b []byte, r *kafka.Result) []byte {
	b = append(b, `{"partition":`...)
	b = appendKnown(b, int64(r.Partition), r.Err == nil)
	b = append(b, `,"offset":`...)
	b = appendKnown(b, r.Offset, r.Err == nil)
	if r.Err == nil {
		return append(b, `,"error_code":null,"error":null}`...)
	}
	b = append(b, `,"error_code":`...)
	b = strconv.AppendInt(b, int64(codeOf(r.Err.Outcome)), 10)
	b = append(b, `,"error":`...)
	b = appendText(b, reason(r.Err))
	return append(b, '}')
}
