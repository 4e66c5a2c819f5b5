package exchange

import (
	"errors"
	"fmt"
	"math"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/sluice-proxy/sluice/kafka"
	"github.com/sluice-proxy/sluice/server/jsonscan"
)

// What strangers may ask for.
const (
	MostTopics  = 100
	MostRecords = 1000
	MostBytes   = 16 << 20

	longestGroup = 249
)

// Query reads the query of a call of ours. A parameter that is not known is an error: it is most likely misspelled.
func (x *Exchange) Query(known ...string) (url.Values, error) {
	q, err := url.ParseQuery(x.R.URL.RawQuery)
	if err != nil {
		return nil, Invalid("the query is not well formed: %v", err)
	}
	for name, values := range q {
		if !slices.Contains(known, name) {
			return nil, Invalid("unknown parameter %q: there are %s", name, strings.Join(known, ", "))
		}
		if len(values) > 1 {
			return nil, Invalid("%s is given more than once", name)
		}
	}
	return q, nil
}

// Flag reads a parameter that is true or false. Without it the value is false.
func Flag(q url.Values, name string) (bool, error) {
	switch given := q.Get(name); given {
	case "", "false":
		return false, nil
	case "true":
		return true, nil
	default:
		return false, Invalid("%s: %q is neither true nor false", name, given)
	}
}

// Count reads a number from 1 on.
func Count(into *int, value string, most int) error {
	n, err := strconv.Atoi(value)
	if err != nil || n < 1 || n > most {
		return fmt.Errorf("%q is not a number from 1 to %d", value, most)
	}
	*into = n
	return nil
}

// Period reads a duration such as 500ms, 5s or 1m30s.
func Period(into *time.Duration, value string, least, most time.Duration) error {
	d, err := time.ParseDuration(value)
	if err != nil || d < least || d > most {
		return fmt.Errorf("%q is not a time from %s to %s, as 500ms, 5s or 1m", value, least, most)
	}
	*into = d
	return nil
}

// Moment reads milliseconds since 1970, or a date and time. It returns milliseconds.
func Moment(name, text string) (int64, error) {
	if at, err := jsonscan.Number(name, []byte(text), 63); err == nil {
		return at, nil
	}
	at, err := time.Parse(time.RFC3339, text)
	if err != nil || at.UnixMilli() < 0 {
		return 0, Invalid("%s: %q is neither milliseconds since 1970 nor a date and time, as 2026-01-31T23:59:59Z", name, text)
	}
	return at.UnixMilli(), nil
}

// QueryInt reads a whole number from 0 on, and returns at most most. A missing or empty parameter, or -1 as REST v2
// has it, is not given.
func QueryInt(q url.Values, name string, most int) (n int, given bool, err error) {
	text := q.Get(name)
	if text == "" || text == "-1" {
		return 0, false, nil
	}
	value, err := strconv.ParseUint(text, 10, 63)
	if err != nil {
		return 0, false, Invalid("%s: %q is not a whole number from 0 on", name, text)
	}
	return int(min(value, uint64(most))), true, nil //nolint:gosec // at most most
}

// ValidGroup refuses names that must not be written into logs and metrics.
func ValidGroup(name string) error {
	odd := func(r rune) bool { return !unicode.IsPrint(r) || r == utf8.RuneError }
	if name == "" || len(name) > longestGroup || strings.ContainsFunc(name, odd) {
		return Invalid("the name of a group has from 1 to %d bytes, and only what can be printed", longestGroup)
	}
	return nil
}

// TopicList reads names with commas between them.
func TopicList(text string) ([]string, error) {
	names := strings.Split(text, ",")
	if len(names) > MostTopics {
		return nil, Invalid("topics: %d are more than %d", len(names), MostTopics)
	}
	for _, name := range names {
		if !kafka.ValidTopic(name) {
			return nil, NoTopic()
		}
	}
	return names, nil
}

// TopicName returns the topic in the path. A name that Kafka never allows is a topic that does not exist.
func (x *Exchange) TopicName() (string, error) {
	if name := x.R.PathValue("topic"); kafka.ValidTopic(name) {
		return name, nil
	}
	return "", NoTopic()
}

// Partition returns the partition in the path. Text that is no number is a path that does not exist.
func (x *Exchange) Partition() (int32, error) {
	n, err := strconv.ParseInt(x.R.PathValue("partition"), 10, 64)
	if errors.Is(err, strconv.ErrSyntax) {
		return 0, &Failure{Status: http.StatusNotFound, Code: http.StatusNotFound, Message: "HTTP 404 Not Found", Bridge: http.StatusBadRequest}
	}
	if err != nil || n < 0 || n > math.MaxInt32 {
		return 0, NoPartition()
	}
	return int32(n), nil
}

// Topic asks the brokers for the topic in the path.
func (x *Exchange) Topic() (kafka.Topic, error) {
	name, err := x.TopicName()
	if err != nil {
		return kafka.Topic{}, err
	}
	ctx, cancel := x.AskContext()
	defer cancel()
	return x.Kafka.Topic(ctx, name)
}

// Shortened returns a client's text as a message may show it.
func Shortened(text string) string {
	const most = 40
	if len(text) <= most {
		return text
	}
	end := most
	for !utf8.RuneStart(text[end]) {
		end--
	}
	return text[:end] + "..."
}

// Address returns the address of the peer. What a proxy says about its clients does not count: it can be made up, and
// the address bounds what one peer may open.
func (x *Exchange) Address() netip.Addr {
	at, err := netip.ParseAddrPort(x.R.RemoteAddr)
	if err != nil { // a unix socket, for example
		return netip.Addr{}
	}
	return at.Addr()
}
