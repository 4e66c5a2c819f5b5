package v3

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sluice-proxy/sluice/kafka"
	"github.com/sluice-proxy/sluice/server/recordjson"
	"github.com/sluice-proxy/sluice/server/rest/produce"
)

// inPieces reads records as a stream does whose bytes come n at a time.
func inPieces(body []byte, n int) (records []string) {
	d := &codec{Parser: recordjson.Parser{To: kafka.Outgoing{Topic: "t", Partition: kafka.AnyPartition}}}
	unread := []byte(nil)
	for len(body) > 0 {
		piece := body[:min(n, len(body))]
		body, unread = body[len(piece):], append(unread, piece...)
		whole := d.Whole(unread)
		if len(body) == 0 {
			whole = len(unread)
		}
		chunk := append([]byte{}, unread[:whole]...)
		unread = append([]byte{}, unread[whole:]...)
		for len(chunk) > 0 {
			text, rest, err := d.Cut(chunk)
			if err != nil {
				return append(records, err.Error())
			}
			chunk = rest
			if len(text) == 0 {
				continue
			}
			var p produce.Pending
			out, err := d.Read(text, &p)
			records = append(records, fmt.Sprintf("%+v %+v %v", out, p, err))
		}
	}
	return records
}

// FuzzVersion3 compares a stream that comes at once with one in pieces, and with Go's own JSON.
func FuzzVersion3(f *testing.F) {
	for _, seed := range []string{
		`{"value":{"type":"JSON","data":{"a":"}{"}}} {"key":{"type":"STRING","data":"\"\\"}}`, `{}{}`, `{}7`, `{"a":[}]`, `"{"`, `{"a":"`, `]{}`,
		`{"partition_id":1,"timestamp":"2026-01-01T00:00:00Z","headers":[{"name":"a","value":"YQ=="}],"value":{"type":"BINARY","data":"AA=="}}`,
	} {
		for _, n := range []int{1, 2, 7} {
			f.Add([]byte(seed), n)
		}
	}
	f.Fuzz(func(t *testing.T, body []byte, n int) {
		if n < 1 {
			return
		}
		at := inPieces(body, max(1, len(body)))
		if diff := cmp.Diff(at, inPieces(body, n)); diff != "" {
			t.Fatalf("(-at once +in pieces):\n%s", diff)
		}
		failed := len(at) > 0 && strings.HasPrefix(at[len(at)-1], "invalid JSON")
		values, err := 0, error(nil)
		for decoder := json.NewDecoder(strings.NewReader(string(body))); err == nil; {
			var value map[string]any
			if err = decoder.Decode(&value); err == nil && value != nil {
				values++
			}
		}
		if !failed && errors.Is(err, io.EOF) && values != len(at) {
			t.Fatalf("%d records, want %d", len(at), values)
		}
	})
}
