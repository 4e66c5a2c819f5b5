package v3

import (
	"errors"
	"mime"
	"net/http"

	"github.com/sluice-proxy/sluice/kafka"
	"github.com/sluice-proxy/sluice/server/jsonscan"
	"github.com/sluice-proxy/sluice/server/rest/exchange"
)

// changeResource makes a handler of a function that changes something of the cluster. The function returns the answer;
// its body is nil with 204.
func changeResource(change func(*resource) (status int, body any, err error)) func(*exchange.Exchange) error {
	return func(x *exchange.Exchange) error {
		if x.IsDraining() {
			return exchange.Stopping()
		}
		cluster, err := clusterInPath(x)
		if err != nil {
			return err
		}
		status, body, err := change(newResource(x, cluster))
		switch {
		case err != nil:
			return unchanged(err)
		case body == nil:
			x.Send(status, nil)
		default:
			x.JSON(status, body)
		}
		return nil
	}
}

// unchanged gives errors of a change the codes of version 3's proxy (KafkaExceptionMapper.java).
func unchanged(err error) error {
	switch {
	case errors.Is(err, kafka.ErrRefused):
		return refused("%v", err)
	case errors.Is(err, kafka.ErrMaybe):
		return &exchange.Failure{Status: http.StatusGatewayTimeout, Code: exchange.CodeRetry, Message: err.Error(), Outcome: kafka.Unknown.String()}
	}
	return missing(asPayload(err))
}

// refused is the answer for a change that cannot be made as it is.
func refused(format string, values ...any) error {
	f := exchange.Errorf(http.StatusBadRequest, format, values...)
	f.Code = codeRefused
	return f
}

// checkJSON refuses a body of another type.
func checkJSON(x *exchange.Exchange) error {
	given := x.R.Header.Get("Content-Type")
	kind, _, err := mime.ParseMediaType(given)
	if given != "" && (err != nil || kind != exchange.JSONType) {
		return exchange.Errorf(http.StatusUnsupportedMediaType, "HTTP 415 Unsupported Media Type: %q; version 3 takes application/json", given)
	}
	return nil
}

// fields read the members of a body by their names.
type fields map[string]func(raw []byte) error

// mostChange bounds the body of a change. Kafka has some 40 settings of a topic. The binding's CreateTopics never frees
// its copy of them, so whoever creates topics takes as much memory each time.
const mostChange = 16 << 10

// readFields reads the body of a request. A member that is null counts as missing.
func (v *resource) readFields(known fields) error {
	if err := checkJSON(v.Exchange); err != nil {
		return err
	}
	body, err := v.Body()
	switch {
	case err != nil:
		return err
	case len(body) > mostChange:
		return exchange.Errorf(http.StatusRequestEntityTooLarge, "the body has more than %d bytes", mostChange)
	}
	return jsonscan.EachField(body, "the body", known.read)
}

func (f fields) read(name string, raw []byte) error {
	read := f[name]
	switch {
	case read == nil:
		return unfit("Unrecognized field: %s", exchange.Shortened(name))
	case jsonscan.IsNull(raw):
		return nil
	}
	return read(raw)
}

// aFlag reads true or false.
func aFlag(name string, to *bool) func([]byte) error {
	return func(raw []byte) error {
		word := string(raw)
		if word != "true" && word != "false" {
			return unfit("%q is neither true nor false", name)
		}
		*to = word == "true"
		return nil
	}
}

// aCount reads a whole number from 1 on.
func aCount(name string, bits int, to *int) func([]byte) error {
	return func(raw []byte) error {
		n, err := jsonscan.Number(name, raw, bits)
		if err == nil && n == 0 {
			err = refused("%q must be at least 1", name)
		}
		*to = int(n)
		return err
	}
}
