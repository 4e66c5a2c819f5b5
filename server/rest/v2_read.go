package rest

import (
	"net/http"
	"time"

	"github.com/sluice-proxy/sluice/kafka"
)

// peekV2 answers a list of records, as other servers of REST v2 do.
func peekV2(x *exchange) error {
	as, kind, err := x.embedded()
	if err != nil {
		return err
	}
	q := x.r.URL.Query()
	if !q.Has("offset") {
		return invalid("offset: say from where")
	}
	q.Del("timestamp")
	r := kafka.Reading{Records: mostRecords, Bytes: peekBytes, Wait: defaultWait}
	if r.Target, err = x.target(q); err != nil {
		return err
	}
	millis, given, err := queryInt(q, "timeout", int(longestPeek.Milliseconds()))
	if err != nil {
		return err
	}
	if given {
		r.Wait = time.Duration(millis) * time.Millisecond
	}
	most, given, err := queryInt(q, "max_bytes", mostBytes)
	if err != nil {
		return err
	}
	if given {
		r.Bytes = max(1, most)
	}
	page, free, err := x.page(r)
	if err != nil {
		return err
	}
	defer free()
	return x.write(kind, as, page, false)
}

// embedded is the format that the Accept asks for, and the answer's Content-Type: binary when it does not say.
func (x *exchange) embedded() (format, string, error) {
	other := false
	for name := range mediaRanges(x.r.Header) {
		switch name {
		case kinds[jsonFormat]:
			return jsonFormat, name, nil
		case jsonType:
			return jsonFormat, jsonType, nil
		case kinds[binaryFormat], v2Type, "", "*/*", "application/*":
			return binaryFormat, kinds[binaryFormat], nil
		}
		other = true
	}
	if !other {
		return binaryFormat, kinds[binaryFormat], nil
	}
	return 0, "", &failure{
		status: http.StatusNotAcceptable, code: codeFormat,
		message: "records come as " + kinds[jsonFormat] + " or " + kinds[binaryFormat],
	}
}

const defaultWait = time.Second
