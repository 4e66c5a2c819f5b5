package resp

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/sluice-proxy/sluice/test/harness"
)

// actionPatience bounds what happens beside the conversation: a commit, the end of the proxy.
const actionPatience = 30 * time.Second

// actions are the `!` lines: what happens that is no command. The string is the connection's name.
var actions = map[string]struct {
	args  int // exactly so many, or at least so many when more is set
	more  bool
	proxy bool // needs the proxy or its Kafka
	do    func(*run, context.Context, string, []string) error
}{
	"open":      {do: (*run).connects},
	"close":     {do: (*run).serverCloses},
	"gone":      {do: (*run).serverLeaves},
	"hangup":    {do: (*run).clientCloses},
	"until":     {args: 2, more: true, do: (*run).until},
	"topic":     {args: 2, more: true, proxy: true, do: (*run).createTopic},
	"produce":   {args: 3, more: true, proxy: true, do: (*run).produce},
	"record":    {args: 5, proxy: true, do: (*run).hasRecord},
	"holds":     {args: 1, more: true, proxy: true, do: (*run).holds},
	"committed": {args: 4, proxy: true, do: (*run).committed},
	"drain":     {proxy: true, do: (*run).drain},
	"exited":    {args: 1, proxy: true, do: (*run).exited},
	"restart":   {proxy: true, do: (*run).restart},
}

func (r *run) act(ctx context.Context, conn, text string) error {
	args, err := splitArgs(text)
	if err != nil || len(args) == 0 {
		return errors.Join(errors.New("an action is missing"), err)
	}
	action, ok := actions[args[0]]
	args = args[1:]
	if !ok || len(args) < action.args || len(args) > action.args && !action.more {
		return errors.New("no such action, or not with so many words")
	}
	if action.proxy && r.sluice == nil {
		return errors.New("only a proxy and its Kafka have that")
	}
	ctx, cancel := context.WithTimeout(ctx, actionPatience)
	defer cancel()
	return action.do(r, ctx, conn, args)
}

// connects opens the connection without a word.
func (r *run) connects(_ context.Context, name string, _ []string) error {
	_, err := r.connection(name)
	return err
}

// serverCloses expects that the proxy ends the connection.
func (r *run) serverCloses(_ context.Context, name string, _ []string) error {
	c, ok := r.conns[name]
	if !ok {
		return errors.New("the connection was never opened")
	}
	delete(r.conns, name)
	defer c.net.Close()
	return c.closed(r.patience)
}

// serverLeaves expects the end of the connection, whatever the proxy said before.
func (r *run) serverLeaves(_ context.Context, name string, _ []string) error {
	c, ok := r.conns[name]
	if !ok {
		return errors.New("the connection was never opened")
	}
	delete(r.conns, name)
	defer c.net.Close()
	for {
		if _, err := c.read(r.patience); err != nil {
			return ended(err)
		}
	}
}

// clientCloses ends the connection without a goodbye; the next line with its name opens a new one.
func (r *run) clientCloses(_ context.Context, name string, _ []string) error {
	c, ok := r.conns[name]
	if !ok {
		return errors.New("the connection was never opened")
	}
	delete(r.conns, name)
	return c.net.Close()
}

// createTopic: NAME PARTITIONS PROPERTY=VALUE...
func (r *run) createTopic(ctx context.Context, _ string, args []string) error {
	partitions, err := strconv.Atoi(args[1])
	if err != nil {
		return err
	}
	o := harness.TopicOptions{Partitions: partitions, Properties: map[string]string{}}
	for _, setting := range args[2:] {
		name, value, _ := strings.Cut(setting, "=")
		o.Properties[name] = value
	}
	return r.admin.CreateTopicAs(ctx, args[0], o)
}

// produce: TOPIC PARTITION VALUE..., without a key and past the proxy.
func (r *run) produce(ctx context.Context, _ string, args []string) error {
	partition, err := strconv.ParseInt(args[1], 10, 32)
	if err != nil {
		return err
	}
	return r.admin.Produce(ctx, args[0], int32(partition), nil, args[2:]...)
}

// hasRecord: TOPIC PARTITION OFFSET KEY VALUE; a key of `nil` means none.
func (r *run) hasRecord(ctx context.Context, _ string, args []string) error {
	records, err := r.admin.Records(ctx, args[0])
	if err != nil {
		return err
	}
	var have []string
	for _, rec := range records {
		key := string(rec.Key)
		if rec.Key == nil {
			key = "nil"
		}
		words := []string{args[0], fmt.Sprint(rec.Partition), fmt.Sprint(rec.Offset), key, string(rec.Value)}
		if fmt.Sprint(words) == fmt.Sprint(args) {
			return nil
		}
		have = append(have, fmt.Sprintf("%q", words))
	}
	return fmt.Errorf("no such record; there are:\n%s", strings.Join(have, "\n"))
}

// holds: TOPIC VALUE..., all of the topic's values by partition and offset.
func (r *run) holds(ctx context.Context, _ string, args []string) error {
	return harness.Until(ctx, func(ctx context.Context) error {
		records, err := r.admin.Records(ctx, args[0])
		if err != nil {
			return err
		}
		values := []string{}
		for _, rec := range records {
			values = append(values, string(rec.Value))
		}
		if got, want := fmt.Sprintf("%q", values), fmt.Sprintf("%q", args[1:]); got != want {
			return fmt.Errorf("topic holds %s", got)
		}
		return nil
	})
}

// committed: GROUP TOPIC PARTITION OFFSET, waited for; -1 means none.
func (r *run) committed(ctx context.Context, _ string, args []string) error {
	partition, err := strconv.ParseInt(args[2], 10, 32)
	if err != nil {
		return err
	}
	return harness.Until(ctx, func(ctx context.Context) error {
		at, err := r.admin.Committed(ctx, args[0], args[1], int32(partition))
		if err == nil && strconv.FormatInt(at, 10) != args[3] {
			err = fmt.Errorf("committed is %d", at)
		}
		return err
	})
}
