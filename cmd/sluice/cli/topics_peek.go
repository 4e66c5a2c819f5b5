package cli

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/sluice-proxy/sluice/server/management"
)

type topicsPeek struct {
	Record string `arg:"" help:"The record, as TOPIC:PARTITION:OFFSET."`
	controlFlags
	JSON bool `name:"json" help:"Print JSON, with the bytes in Base64."`
}

// Run shows a record as it lies in the log. No group takes notice of it.
func (c *topicsPeek) Run(env Env) error {
	var got management.Peeked
	if err := c.ask(http.MethodGet, "/peek?"+url.Values{"record": {c.Record}}.Encode(), &got); err != nil {
		return err
	}
	if c.JSON {
		return (&table{value: got}).print(env.Out, true)
	}
	printRecord(env.Out, &got)
	return nil
}

func printRecord(to io.Writer, r *management.Peeked) {
	fmt.Fprintf(to, "record     %s\n", r.Record)
	if r.Timestamp >= 0 {
		fmt.Fprintf(to, "timestamp  %s\n", time.UnixMilli(r.Timestamp).Format(time.RFC3339Nano))
	}
	fmt.Fprintf(to, "key        %s\n", bytesShown(r.Key))
	for _, h := range r.Headers {
		fmt.Fprintf(to, "header     %s: %s\n", visible(h.Name), bytesShown(h.Value))
	}
	fmt.Fprintf(to, "value      %s\n", bytesShown(r.Value))
}

// bytesShown is text as it is, where a terminal can show it, and other bytes quoted.
func bytesShown(b []byte) string {
	text := string(b)
	switch {
	case b == nil:
		return "null"
	case text == "" || !utf8.Valid(b) || visible(text) != text:
		return strconv.Quote(text)
	}
	return text
}
