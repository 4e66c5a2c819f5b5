package producer

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/sluice-proxy/sluice/kafka/cluster"
)

// limits remember the max.message.bytes of topics that refused a record or a batch for its size. Errors name the
// limit. A limit is empty when the brokers do not tell it. sluice asks for one topic at a time, because a question
// takes a thread.
type limits struct {
	mu     sync.Mutex // guards what follows
	known  map[string]limit
	asking bool
}

type limit struct {
	bytes string
	asked time.Time
}

// limitFor is how long sluice uses a limit without asking again.
const limitFor = time.Minute

// limit is what is known of a topic's max.message.bytes. If nothing new is known, sluice also asks the brokers, for
// the next call.
func (ps *Producers) limit(topic string) string {
	l := &ps.limits
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.known[topic]
	if l.asking || time.Since(now.asked) < limitFor {
		return now.bytes
	}
	if l.known == nil {
		l.known = map[string]limit{}
	}
	l.known[topic] = limit{now.bytes, time.Now()}
	l.asking = ps.life.Go(func() { ps.readLimit(topic) })
	return now.bytes
}

func (ps *Producers) readLimit(topic string) {
	ctx, cancel := context.WithTimeout(ps.life.Context, cluster.QueryTime)
	defer cancel()
	bytes, err := ps.topicSetting(ctx, topic, "max.message.bytes")
	ps.limits.mu.Lock()
	defer ps.limits.mu.Unlock()
	ps.limits.asking = false
	if err == nil { // else errors do not name the limit
		ps.limits.known[topic] = limit{bytes, time.Now()}
	}
}

var errNoSetting = errors.New("no such setting")

// topicSetting reads one setting of a topic from the brokers.
func (ps *Producers) topicSetting(ctx context.Context, topic, name string) (string, error) {
	settings, err := ps.cluster.TopicSettings(ctx, topic)
	if err != nil {
		return "", err
	}
	i := slices.IndexFunc(settings, func(s cluster.TopicSetting) bool { return s.Name == name })
	if i < 0 {
		return "", errNoSetting
	}
	return settings[i].Value, nil
}
