package v2

import (
	"net/http"

	"github.com/sluice-proxy/sluice/server/rest/exchange"
)

// incomplete is the answer to an object that lacks what the call is about. Strimzi's bridge answers it with 422 too.
func incomplete(why string) error {
	return &exchange.Failure{
		Status: http.StatusUnprocessableEntity, Code: http.StatusUnprocessableEntity, Bridge: http.StatusUnprocessableEntity, Message: why,
	}
}

// neededBody reads the body of a call that cannot do without one. A body that is missing is not broken JSON: the answer
// is 422, as in the Confluent REST Proxy.
func neededBody(x *exchange.Exchange) ([]byte, error) {
	body, err := x.Body()
	if err == nil && len(body) == 0 {
		return nil, exchange.Invalid("the body is empty: this call needs JSON, as /openapi.json describes it")
	}
	return body, err
}
