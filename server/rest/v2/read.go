package v2

import (
	"net/http"
	"time"

	"github.com/sluice-proxy/sluice/kafka"
	"github.com/sluice-proxy/sluice/server/recordjson"
	"github.com/sluice-proxy/sluice/server/rest/exchange"
	"github.com/sluice-proxy/sluice/server/rest/pages"
)

// readPartition answers with a list of records of a partition.
func readPartition(x *exchange.Exchange) error {
	as, kind, err := acceptedFormat(x)
	if err != nil {
		return err
	}
	q := x.R.URL.Query()
	if !q.Has("offset") {
		return exchange.Invalid("offset: say from where")
	}
	q.Del("timestamp")
	r := kafka.ReadRequest{Records: exchange.MostRecords, Bytes: pages.DefaultBytes, Wait: defaultWait}
	if r.Target, err = pages.Target(x, q); err != nil {
		return err
	}
	millis, given, err := exchange.QueryInt(q, "timeout", int(pages.MaxWait.Milliseconds()))
	if err != nil {
		return err
	}
	if given {
		r.Wait = time.Duration(millis) * time.Millisecond
	}
	most, given, err := exchange.QueryInt(q, "max_bytes", exchange.MostBytes)
	if err != nil {
		return err
	}
	if given {
		r.Bytes = max(1, most)
	}
	page, free, err := pages.Read(x, r)
	if err != nil {
		return err
	}
	defer free()
	return pages.Write(x, kind, as, page, false)
}

// acceptedFormat returns the format that Accept asks for, and the answer's Content-Type. Without Accept that is
// binary.
func acceptedFormat(x *exchange.Exchange) (recordjson.Format, string, error) {
	other := false
	for name := range exchange.MediaRanges(x.R.Header) {
		switch name {
		case contentTypes[recordjson.JSON]:
			return recordjson.JSON, name, nil
		case contentTypes[recordjson.Text]:
			return recordjson.Text, name, nil
		case exchange.JSONType:
			return recordjson.JSON, exchange.JSONType, nil
		case contentTypes[recordjson.Binary], exchange.V2Type, "", "*/*", "application/*":
			return recordjson.Binary, contentTypes[recordjson.Binary], nil
		}
		other = true
	}
	if !other {
		return recordjson.Binary, contentTypes[recordjson.Binary], nil
	}
	return 0, "", &exchange.Failure{
		Status: http.StatusNotAcceptable, Code: exchange.CodeFormat,
		Message: "records come as " + contentTypes[recordjson.JSON] + ", " + contentTypes[recordjson.Binary] + " or " + contentTypes[recordjson.Text],
	}
}

const defaultWait = time.Second
