package v1

import (
	"net/url"

	"github.com/sluice-proxy/sluice/kafka"
	"github.com/sluice-proxy/sluice/server/recordjson"
	"github.com/sluice-proxy/sluice/server/rest/exchange"
	"github.com/sluice-proxy/sluice/server/rest/pages"
)

// readPartition answers {"records":[...],"next_offset":..}.
func readPartition(x *exchange.Exchange) error {
	q, err := x.Query("offset", "timestamp", "max", "max_bytes", "wait", "format")
	if err != nil {
		return err
	}
	as, known := recordjson.ByName[q.Get("format")]
	if !known {
		return exchange.Invalid("format: %q is not one of json, binary, text", q.Get("format"))
	}
	r, err := readParams(x, q)
	if err != nil {
		return err
	}
	page, free, err := pages.Read(x, r)
	if err != nil {
		return err
	}
	defer free()
	return pages.Write(x, exchange.JSONType, as, page, true)
}

// readParams reads the query.
func readParams(x *exchange.Exchange, q url.Values) (r kafka.ReadRequest, err error) {
	r = kafka.ReadRequest{Records: pages.DefaultRecords, Bytes: pages.DefaultBytes}
	if r.Target, err = pages.Target(x, q); err != nil {
		return r, err
	}
	for name, set := range map[string]func(string) error{
		"max":       func(v string) error { return exchange.Count(&r.Records, v, exchange.MostRecords) },
		"max_bytes": func(v string) error { return exchange.Count(&r.Bytes, v, exchange.MostBytes) },
		"wait":      func(v string) error { return exchange.Period(&r.Wait, v, 0, pages.MaxWait) },
	} {
		if !q.Has(name) {
			continue
		}
		if err := set(q.Get(name)); err != nil {
			return r, exchange.Invalid("%s: %v", name, err)
		}
	}
	return r, nil
}
