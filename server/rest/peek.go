package rest

import (
	"net/url"

	"github.com/sluice-proxy/sluice/kafka"
)

// peek answers {"records":[...],"next_offset":..}, in our own shape.
func peek(x *exchange) error {
	q, err := x.query("offset", "timestamp", "max", "max_bytes", "wait", "format")
	if err != nil {
		return err
	}
	as, known := bulkFormats[q.Get("format")]
	if !known {
		return invalid("format: %q is not one of json, binary, text", q.Get("format"))
	}
	r, err := x.reading(q)
	if err != nil {
		return err
	}
	page, free, err := x.page(r)
	if err != nil {
		return err
	}
	defer free()
	return x.write(jsonType, as, page, true)
}

// reading is what the query asks for.
func (x *exchange) reading(q url.Values) (r kafka.Reading, err error) {
	r = kafka.Reading{Records: peekRecords, Bytes: peekBytes}
	if r.Target, err = x.target(q); err != nil {
		return r, err
	}
	for name, set := range map[string]func(string) error{
		"max":       func(v string) error { return count(&r.Records, v, mostRecords) },
		"max_bytes": func(v string) error { return count(&r.Bytes, v, mostBytes) },
		"wait":      func(v string) error { return period(&r.Wait, v, 0, longestPeek) },
	} {
		if !q.Has(name) {
			continue
		}
		if err := set(q.Get(name)); err != nil {
			return r, invalid("%s: %v", name, err)
		}
	}
	return r, nil
}
