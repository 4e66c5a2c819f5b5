package kafka

import (
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/sluice-proxy/sluice/kafka/librdkafka"
)

// logLimiter logs what librdkafka says without repeating itself: one unreachable broker alone makes two
// events a second. It belongs to one goroutine; the zero logLimiter works.
type logLimiter struct {
	said map[string]time.Time
}

const (
	silence  = time.Minute // a sentence is not repeated within this
	memories = 256         // sentences remembered
)

func (v *logLimiter) admits(text string) bool {
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

// log logs a log line of librdkafka at its own severity (RFC 5424).
func (v *logLimiter) log(log *slog.Logger, event librdkafka.Event) {
	const warning, notice = 4, 5
	// A connection that fails comes as an error event as well: see failure. Requests that timed out are
	// counted in a warning, one notice each comes before it.
	noise := strings.HasPrefix(event.Text, "FAIL:") || event.Level == notice && strings.HasPrefix(event.Text, "REQTMOUT:")
	if noise || !v.admits(event.Text) {
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

// logFailure logs an error event that librdkafka recovers from by itself.
func (v *logLimiter) logFailure(log *slog.Logger, event librdkafka.Event) {
	// "0/1 brokers are down" says nothing, and "1/1" nothing that their own errors do not say.
	if event.Code != librdkafka.AllBrokersDown && v.admits(event.Code.String()) {
		log.Warn("kafka trouble", "err", event.Text)
	}
}

// lossLog sums up records that were not delivered and logs the first at once, then every lossesEvery,
// never their content.
type lossLog struct {
	counts map[ProduceError]int
	logged time.Time
}

const lossesEvery = 10 * time.Second

// reasonsKept bounds the sums between two log lines; what is beyond goes into the rest.
const reasonsKept = 100

func (l *lossLog) add(e ProduceError) {
	if l.counts == nil {
		l.counts = map[ProduceError]int{}
	}
	if _, known := l.counts[e]; !known && len(l.counts) >= reasonsKept {
		e.Topic, e.Reason, e.Cause = "(others)", "(others)", nil // clients choose topics and partitions
	}
	l.counts[e]++
}

func (l *lossLog) log(log *slog.Logger, now time.Time) {
	if len(l.counts) == 0 || now.Sub(l.logged) < lossesEvery {
		return
	}
	l.logged = now
	for e, n := range l.counts {
		log.Warn("records not delivered", "topic", e.Topic, "outcome", e.Outcome.String(), "reason", e.Reason, "records", n)
	}
	clear(l.counts)
}

// sharedLossLog are losses that many goroutines add to.
type sharedLossLog struct {
	mu sync.Mutex
	lossLog
}

// note adds one, and logs those that are due.
func (l *sharedLossLog) note(log *slog.Logger, e *ProduceError) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.add(*e)
	l.log(log, time.Now())
}
