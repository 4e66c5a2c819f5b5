package resttest

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/sluice-proxy/sluice/server/rest/exchange"
)

// The witness itself: what is not in the document does not pass.
func TestAWitnessSeesWhatIsNotDescribed(t *testing.T) {
	t.Parallel()
	header := func(kind string) http.Header {
		return http.Header{"Content-Type": {kind}, exchange.RequestID: {"1"}, "Retry-After": {"1"}}
	}
	for _, c := range []struct {
		answer answer
		says   string
	}{
		{answer{"GET", "/brokers", 200, header(exchange.V2Type), []byte(`{"brokers":[0]}`), true, false}, ""},
		{answer{"HEAD", "/brokers/", 200, header(exchange.JSONType), nil, true, false}, ""},
		{answer{"GET", "/brokers", 200, header(exchange.V2Type), []byte(`{"brokers":["0"]}`), true, false}, "got string, want integer"},
		{answer{"GET", "/brokers", 200, header(exchange.V2Type), []byte(`{"brokers":[0],"more":1}`), true, false}, "additional properties"},
		{answer{"GET", "/brokers", 200, header(exchange.V2Type), []byte(`{}`), true, false}, "missing property"},
		{answer{"GET", "/brokers", 200, header(exchange.V2Type), []byte(`{`), true, false}, "unexpected EOF"},
		{answer{"GET", "/brokers", 200, header("text/plain"), []byte(`{"brokers":[0]}`), true, false}, "Content-Type"},
		{answer{"GET", "/brokers", 200, http.Header{"Content-Type": {exchange.V2Type}}, []byte(`{"brokers":[0]}`), true, false}, "without X-Request-Id"},
		{answer{"GET", "/brokers", 418, header(exchange.V2Type), nil, true, false}, "not in openapi.json"},
		{answer{"PUT", "/brokers", 200, header(exchange.V2Type), nil, true, false}, "not in openapi.json"},
		{answer{"GET", "/nothing", 200, header(exchange.V2Type), nil, true, false}, "not in openapi.json"},
		{answer{"GET", "/nothing", 404, header(exchange.V2Type), []byte(`{"error_code":404,"message":"no"}`), true, false}, ""},
		{answer{"GET", "/nothing", 404, header(exchange.V2Type), []byte(`{"error_code":500,"message":"no"}`), true, false}, "not as openapi.json"},
		{answer{"POST", "/topics/a", 200, header(exchange.V2Type), []byte(`{"offsets":[{"partition":0,"offset":1,"error_code":50002,"error":"rejected: no"}],"key_schema_id":null,"value_schema_id":null}`), true, false}, "not as openapi.json"},
		{answer{"POST", "/topics/a?async=true", 204, header(exchange.V2Type), []byte(`x`), true, false}, "with a body"},
		{answer{"POST", "/v1/topics/a/records", 200, header(exchange.NDJSONType), []byte("{\"line\":1,\"partition\":0,\"offset\":0,\"timestamp\":1}\n{\"li"), false, false}, ""},
		{answer{"POST", "/v1/topics/a/records", 200, header(exchange.NDJSONType), []byte("{\"line\":1,\"offset\":0}\n"), false, false}, "missing propert"},
		{answer{"GET", "/brokers", 503, http.Header{"Content-Type": {exchange.V2Type}, exchange.RequestID: {"1"}}, []byte(`{"error_code":50003,"message":"no"}`), true, false}, "without Retry-After"},
	} {
		notes := &notes{TB: t}
		TheContract().check(notes, &c.answer)
		said := notes.String()
		if (said == "") != (c.says == "") || !strings.Contains(said, c.says) {
			t.Errorf("%s %s %d %s: %q, want %q", c.answer.method, c.answer.path, c.answer.status, c.answer.body, said, c.says)
		}
	}
}

// notes collects what would fail a test.
type notes struct {
	testing.TB
	strings.Builder
}

func (n *notes) Helper() {}

func (n *notes) Errorf(format string, values ...any) { fmt.Fprintf(&n.Builder, format+"\n", values...) }
