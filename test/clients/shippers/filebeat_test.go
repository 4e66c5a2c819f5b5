//go:build matrix

package shippers

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"time"
)

// filebeat plays the output of Filebeat and of all other Beats: elastic/beats, libbeat/outputs/redis/client.go and
// backoff.go (9.x; commit 0409ebd037b0; 8.x at 79c83984b525 sends the same), on gomodule/redigo.
type filebeat struct {
	login

	channel bool                     // datatype: channel
	keyOf   func(line string) string // nil where the key is the same for all events

	conn *wire
	bulk bool // several values in one RPUSH
}

// The defaults of config.go.
const (
	filebeatTimeout = 5 * time.Second
	filebeatBatch   = 2048 // bulk_max_size
)

var redisVersion = regexp.MustCompile(`redis_version:(\d+).(\d+)`)

// connect is Connect with initRedisConn and makePublish.
func (f *filebeat) connect(addr string) error {
	conn, err := dial(addr, filebeatTimeout)
	if err != nil {
		return err
	}
	f.conn = conn
	if f.password != "" {
		if _, err := conn.ask("AUTH", f.password); err != nil {
			return err
		}
	}
	if _, err := conn.ask("PING"); err != nil {
		return err
	}
	if f.db != 0 {
		if _, err := conn.ask("SELECT", strconv.Itoa(f.db)); err != nil {
			return err
		}
	}
	if f.channel || f.keyOf != nil {
		return nil
	}
	return f.askVersion()
}

// askVersion is makePublishRPUSH: from Redis 2.4 on, RPUSH takes several values.
func (f *filebeat) askVersion() error {
	answer, err := f.conn.ask("INFO")
	if err != nil {
		return err
	}
	text, isBulk := answer.(string)
	if !isBulk {
		return fmt.Errorf("INFO answers %T", answer)
	}
	found := redisVersion.FindStringSubmatch(text)
	if found == nil {
		return errors.New("unable to read redis_version")
	}
	major, _ := strconv.Atoi(found[1])
	minor, _ := strconv.Atoi(found[2])
	f.bulk = major > 2 || major == 2 && minor >= 4
	return nil
}

// send is publishEventsBulk or publishEventsPipeline.
func (f *filebeat) send(batch []string) (kept []string, err error) {
	if err := f.conn.SetDeadline(time.Now().Add(filebeatTimeout)); err != nil {
		return batch, err
	}
	if f.bulk {
		if _, err := f.conn.ask(append([]string{"RPUSH", key}, batch...)...); err != nil {
			return batch, err
		}
		return nil, nil
	}
	if err := f.conn.write(pipeline(f.commands(batch)...)); err != nil {
		return batch, err
	}
	for i, line := range batch {
		_, failed := f.conn.answer()
		switch {
		case failed == nil:
		case errors.As(failed, new(refusal)):
			kept, err = append(kept, line), failed
		default:
			return append(kept, batch[i:]...), failed
		}
	}
	return kept, err
}

func (f *filebeat) commands(batch []string) [][]string {
	name := "RPUSH"
	if f.channel {
		name = "PUBLISH"
	}
	commands := pushes(name, key, batch)
	if f.keyOf != nil {
		for i, line := range batch {
			commands[i][1] = f.keyOf(line)
		}
	}
	return commands
}

// close is what backoffClient does after any error.
func (f *filebeat) close() { f.conn.end() }
