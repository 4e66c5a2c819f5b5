package rest_test

import (
	"net/http"
	"testing"

	"github.com/sluice-proxy/sluice/server/rest/exchange"
	"github.com/sluice-proxy/sluice/server/rest/resttest"
)

func TestWhatClientsAccept(t *testing.T) {
	t.Parallel()
	s := resttest.Start(t, exchange.Options{})
	for accept, want := range map[string]int{
		"":                                    http.StatusOK,
		"*/*":                                 http.StatusOK,
		"application/*":                       http.StatusOK,
		"*/json":                              http.StatusOK,
		"application/json":                    http.StatusOK,
		"application/vnd.kafka+json":          http.StatusOK,
		"application/vnd.kafka.v1+json":       http.StatusOK,
		"application/vnd.kafka.avro.v2+json":  http.StatusOK,
		"text/html, */*;q=0.8":                http.StatusOK,
		"Application/JSON; charset=utf-8":     http.StatusOK,
		"application/octet-stream":            http.StatusNotAcceptable,
		"application/vnd.kafka+foo":           http.StatusNotAcceptable,
		"application/vnd.kafka.v3+json":       http.StatusNotAcceptable,
		"application/text":                    http.StatusNotAcceptable,
		"foo/*":                               http.StatusNotAcceptable,
		"bar/json, */baz":                     http.StatusNotAcceptable,
		"application/vnd.kafka.json.v2+jsonx": http.StatusNotAcceptable,
	} {
		answer, text := s.Ask(http.MethodGet, "/brokers", "", "Accept", accept)
		if answer.StatusCode != want {
			t.Errorf("%q is answered with %d: %s", accept, answer.StatusCode, text)
		}
	}
	if answer, text := s.Ask(http.MethodGet, "/v3/clusters", "", "Accept", "foo/*"); answer.StatusCode != http.StatusOK {
		t.Errorf("version 3 is answered with %d: %s", answer.StatusCode, text)
	}
}

func TestWhatRecordsMayBeSentAs(t *testing.T) {
	t.Parallel()
	s := resttest.Start(t, exchange.Options{})
	for kind, want := range map[string]int{
		"application/vnd.kafka.v1+json":       http.StatusOK,
		"application/vnd.kafka.json+json":     http.StatusOK,
		"application/vnd.kafka+json":          http.StatusOK,
		"application/octet-stream":            http.StatusOK,
		"application/vnd.kafka.v3+json":       http.StatusUnsupportedMediaType,
		"application/vnd.kafka.binary.v1+foo": http.StatusUnsupportedMediaType,
		"application/vnd.kafka.avro.v0+json":  http.StatusUnsupportedMediaType,
		"application/vnd.kafka.json+avro":     http.StatusUnsupportedMediaType,
		"application/vnd.kafka":               http.StatusUnsupportedMediaType,
		"application/vnd.kafka+binary":        http.StatusUnsupportedMediaType,
		"application/text":                    http.StatusUnsupportedMediaType,
		"bar/baz":                             http.StatusUnsupportedMediaType,
	} {
		answer, text := s.Ask(http.MethodPost, "/topics/orders", `{"records":[{"value":"Zm9v"}]}`, "Content-Type", kind)
		if answer.StatusCode != want {
			t.Errorf("%q is answered with %d: %s", kind, answer.StatusCode, text)
		}
	}
}
