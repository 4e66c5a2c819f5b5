package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/sluice-proxy/sluice/test/harness"
)

// result is the judgement of a trial, and what one needs to understand it.
type result struct {
	*verdict
	history *history
	log     string // of sluice
}

// keep writes the history and the log to new files, for whoever looks for the reason.
func (r *result) keep(out io.Writer) error {
	dir, err := os.MkdirTemp("", "checker-history-")
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "  history and log: %s\n", dir)
	return errors.Join(r.history.save(filepath.Join(dir, "history.jsonl")),
		os.WriteFile(filepath.Join(dir, "sluice.log"), []byte(r.log), 0o600))
}

// finish lets the consumers catch up, ends everything politely, and judges.
func (t *trial) finish(ctx context.Context) (*result, error) {
	facts := &verdict{}
	select {
	case <-t.sluice.Done():
		facts.breach(ruleEnded, "%s", lastWords(t.sluice.Output()))
	default:
	}
	if err := t.crew.stop(false); err != nil {
		return nil, err
	}
	if err := t.flushed(ctx); err != nil {
		facts.breach(ruleUnflushed, "%v", err)
	}
	if err := t.readLog(ctx); err != nil {
		return nil, err
	}
	t.settled(ctx)
	if err := t.crew.stop(true); err != nil {
		return nil, err
	}
	if err := t.stop(ctx); err != nil {
		facts.breach(ruleStatus, "%v", err)
	}
	if err := t.freeze(); err != nil {
		return nil, err
	}
	v := judge(&t.history)
	t.judgeEnd(ctx, v)
	v.Broken = append(v.Broken, facts.Broken...)
	return &result{verdict: v, history: &t.history, log: t.log()}, nil
}

// flushed waits until sluice has nothing in memory that is not in Kafka: a record of a client that
// was killed may still be under way.
func (t *trial) flushed(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, settleTime)
	defer cancel()
	return harness.Until(ctx, func(context.Context) error {
		n, err := t.stat("producer.unflushed.messages")
		if err == nil && n != 0 {
			err = fmt.Errorf("%d records are not delivered", n)
		}
		if err != nil {
			return err
		}
		return t.history.Counted.readProducer(t.stat)
	})
}

// stat asks sluice for one of its figures.
func (t *trial) stat(name string) (int, error) {
	d, err := knock(t.options.Addr)
	if err != nil {
		return 0, err
	}
	defer d.close()
	answer, err := d.ask("HGETALL", "stats")
	if err != nil {
		return 0, err
	}
	pairs, _ := answer.([]any)
	at := slices.Index(pairs, any(name))
	if at < 0 || at+1 >= len(pairs) {
		return 0, fmt.Errorf("no %s in the stats: %v", name, answer)
	}
	return strconv.Atoi(fmt.Sprint(pairs[at+1]))
}

// readLog reads what the topics hold, without sluice.
func (t *trial) readLog(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, settleTime)
	defer cancel()
	for _, topic := range t.topics() {
		records, err := t.read(ctx, topic)
		if err != nil {
			return err
		}
		t.history.Log = append(t.history.Log, records...)
	}
	return nil
}

// read reads what a topic holds.
func (t *trial) read(ctx context.Context, topic string) ([]stored, error) {
	records, err := insist(ctx, func(ctx context.Context) ([]*kgo.Record, error) {
		return t.admin.Records(ctx, topic)
	})
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", topic, err)
	}
	var all []stored
	for _, r := range records {
		all = append(all, stored{
			place: place{r.Topic, r.Partition, r.Offset}, Key: string(r.Key), Value: string(r.Value),
			Producer: fmt.Sprintf("%d/%d", r.ProducerID, r.ProducerEpoch),
		})
	}
	return all, nil
}

// settled waits until every record was acknowledged, as long as there is progress; what is not, the
// judge will name.
func (t *trial) settled(ctx context.Context) {
	least, since := -1, time.Now()
	for pause(ctx, 300*time.Millisecond) == nil {
		if t.freeze() != nil {
			return
		}
		left := unsettled(&t.history)
		if left < least || least < 0 {
			least, since = left, time.Now()
		}
		if left == 0 || time.Since(since) > t.plan.Patience {
			return
		}
	}
}

// freeze takes what was recorded until now into the history.
func (t *trial) freeze() (err error) {
	t.history.Events, err = t.recorder.sorted()
	return err
}

// judgeEnd judges how the sluices ended that were asked to, and what the last one left.
func (t *trial) judgeEnd(ctx context.Context, v *verdict) {
	for _, status := range t.status {
		if status != 0 {
			v.breach(ruleStatus, "status %d", status)
		}
	}
	if v.rule(ruleNotAgain) != nil || v.rule(ruleNeverCame) != nil {
		return // then not everything is to be committed
	}
	ctx, cancel := context.WithTimeout(ctx, settleTime)
	defer cancel()
	for _, topic := range t.topics() {
		if err := t.committed(ctx, topic, v); err != nil {
			v.breach(ruleUncommitted, "nobody can tell: %v", err)
		}
	}
}

// committed judges what the group has committed of a topic.
func (t *trial) committed(ctx context.Context, topic string, v *verdict) error {
	starts, err := insist(ctx, func(ctx context.Context) ([]int64, error) { return t.admin.StartOffsets(ctx, topic) })
	if err != nil {
		return err
	}
	ends, err := insist(ctx, func(ctx context.Context) ([]int64, error) { return t.admin.EndOffsets(ctx, topic) })
	if err != nil {
		return err
	}
	for p, end := range ends {
		at, err := insist(ctx, func(ctx context.Context) (int64, error) {
			return t.admin.Committed(ctx, t.name, topic, int32(p))
		})
		if err != nil {
			return err
		}
		if max(at, starts[p]) != end {
			v.breach(ruleUncommitted, "%s:%d: %d of %d", topic, p, at, end)
		}
	}
	return nil
}

// insist asks Kafka until it answers: a connection to a node that was killed is found dead only when
// it is used.
func insist[T any](ctx context.Context, ask func(context.Context) (T, error)) (answer T, err error) {
	err = harness.Until(ctx, func(ctx context.Context) (err error) {
		answer, err = ask(ctx)
		return err
	})
	return answer, err
}

// lastWords is the end of a log.
func lastWords(log string) string {
	const most = 2000
	return log[max(0, len(log)-most):]
}
