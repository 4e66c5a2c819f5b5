package producer

import (
	"log/slog"
	"sync"
	"time"
)

// lossLog logs how many records were not delivered, and why. It logs the first loss at once, and further losses every
// lossesEvery. It never logs content.
type lossLog struct {
	counts map[Error]int
	logged time.Time
}

const lossesEvery = 10 * time.Second

// reasonsKept bounds the sums between two log lines. Further reasons share one sum.
const reasonsKept = 100

func (l *lossLog) add(e Error) {
	if l.counts == nil {
		l.counts = map[Error]int{}
	}
	if _, known := l.counts[e]; !known && len(l.counts) >= reasonsKept {
		e.Topic, e.Reason, e.Cause = "(others)", "(others)", nil // clients choose topics and partitions, so there may be any number
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

// sharedLossLog is a lossLog that several goroutines use.
type sharedLossLog struct {
	mu sync.Mutex
	lossLog
}

// note adds a loss, and logs the sums that are due.
func (l *sharedLossLog) note(log *slog.Logger, e *Error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.add(*e)
	l.log(log, time.Now())
}
