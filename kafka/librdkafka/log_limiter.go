package librdkafka

import (
	"log/slog"
	"regexp"
	"slices"
	"strings"
	"time"
)

// LogLimiter logs what librdkafka says without repeating itself: one unreachable broker alone makes two
// events a second. It belongs to one goroutine; the zero LogLimiter works.
type LogLimiter struct {
	said    map[string]time.Time
	refused map[string]time.Time // brokers, with the time when one of their addresses refused a connection
}

const (
	silence   = time.Minute      // a sentence is not repeated within this
	memories  = 256              // sentences remembered
	nextTried = 15 * time.Second // librdkafka has tried another address of a broker by then (reconnect.backoff.max.ms)
)

// Admits tells whether a sentence was not said lately, and remembers it as said.
func (v *LogLimiter) Admits(text string) bool {
	now := time.Now()
	text = withoutNumbers(text)
	if last, known := v.said[text]; known && now.Sub(last) < silence {
		return false
	}
	if v.said == nil || len(v.said) >= memories {
		v.said = map[string]time.Time{}
	}
	v.said[text] = now
	return true
}

// withoutNumbers leaves out the words that are numbers, such as in "Timed out 2 in-flight (after 10051ms)":
// what differs in nothing else is the same sentence. Names and addresses stay.
func withoutNumbers(text string) string {
	return strings.Join(slices.DeleteFunc(strings.Fields(text), func(word string) bool {
		word = strings.TrimLeft(word, "(#")
		return word != "" && '0' <= word[0] && word[0] <= '9' && !strings.ContainsAny(word, ":/")
	}), " ")
}

// Log logs a log line of librdkafka at its own severity (RFC 5424).
func (v *LogLimiter) Log(log *slog.Logger, event Event) {
	const warning, notice = 4, 5
	// A connection that fails comes as an error event as well: see failure. Requests that timed out are
	// counted in a warning, one notice each comes before it.
	noise := strings.HasPrefix(event.Text, "FAIL:") || event.Level == notice && strings.HasPrefix(event.Text, "REQTMOUT:")
	if noise || !v.Admits(event.Text) {
		return
	}
	switch {
	case event.Level <= warning:
		log.Warn("librdkafka warned", "text", event.Text)
	case event.Level == notice:
		log.Info("librdkafka noted", "text", event.Text)
	default:
		log.Debug("librdkafka said", "text", event.Text)
	}
}

// LogFailure logs an error event that librdkafka recovers from by itself.
func (v *LogLimiter) LogFailure(log *slog.Logger, event Event) {
	// "0/1 brokers are down" says nothing, and "1/1" nothing that their own errors do not say.
	if event.Code != AllBrokersDown && !v.triesAnother(event.Text, time.Now()) && v.Admits(event.Code.String()) {
		log.Warn("kafka trouble", "err", event.Text)
	}
}

// notConnected matches librdkafka's sentence about an address that it could not connect to.
var notConnected = regexp.MustCompile(`^(.*): Connect to ipv[46]#(\S+) failed: `)

// triesAnother tells whether an event is about one address of a broker that may have others, as localhost has ::1 and
// 127.0.0.1. librdkafka tries them in turn. A broker that listens at one of them is no trouble. If the next attempt fails
// too, it is one.
func (v *LogLimiter) triesAnother(text string, now time.Time) bool {
	m := notConnected.FindStringSubmatch(text)
	if m == nil || strings.Contains(m[1], m[2]) { // the broker is named by its address, and has no other
		return false
	}
	broker := m[1]
	last, known := v.refused[broker]
	if v.refused == nil || len(v.refused) >= memories {
		v.refused = map[string]time.Time{}
	}
	v.refused[broker] = now
	return !known || now.Sub(last) > nextTried
}
