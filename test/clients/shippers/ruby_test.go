//go:build matrix

package shippers

import (
	"strconv"
	"time"
)

// rubyClient plays redis-rb 4.8 as Logstash and Fluentd use it: lib/redis/client.rb, connect and call_pipelined.
type rubyClient struct {
	login

	conn *wire
}

// rubyTimeout is what both plugins set.
const rubyTimeout = 5 * time.Second

// connect is connect; the plugins connect when they send for the first time.
func (r *rubyClient) connect(addr string) error {
	conn, err := dial(addr, rubyTimeout)
	if err != nil {
		return err
	}
	r.conn = conn
	if r.password != "" {
		if _, err := conn.ask("AUTH", r.password); err != nil {
			return err
		}
	}
	if r.db != 0 {
		_, err = conn.ask("SELECT", strconv.Itoa(r.db))
	}
	return err
}

// call is one command; an error answer is raised.
func (r *rubyClient) call(args ...string) (any, error) {
	if err := r.conn.SetDeadline(time.Now().Add(rubyTimeout)); err != nil {
		return nil, err
	}
	return r.conn.ask(args...)
}

// pipelined is call_pipelined: all commands in one write, then all answers. The first error answer is raised.
func (r *rubyClient) pipelined(commands [][]string) error {
	if err := r.conn.SetDeadline(time.Now().Add(rubyTimeout)); err != nil {
		return err
	}
	if err := r.conn.write(pipeline(commands...)); err != nil {
		return err
	}
	answers, err := r.conn.answers(len(commands))
	if err != nil {
		return err
	}
	return firstRefusal(answers)
}

func (r *rubyClient) close() { r.conn.end() }

// logstash plays the output of Logstash: logstash-plugins/logstash-output-redis 5.x, lib/logstash/outputs/redis.rb.
type logstash struct {
	rubyClient

	channel bool // data_type => "channel"
	batched bool // batch => true
}

// logstashBatch is batch_events.
const logstashBatch = 50

// send is send_to_redis, or flush of Stud::Buffer. What fails is tried again for ever, on a new connection.
func (l *logstash) send(batch []string) (kept []string, err error) {
	if l.batched {
		if _, err := l.call(append([]string{"RPUSH", key}, batch...)...); err != nil {
			return batch, err
		}
		return nil, nil
	}
	name := "RPUSH"
	if l.channel {
		name = "PUBLISH"
	}
	for i, line := range batch {
		if _, err := l.call(name, key, line); err != nil {
			return batch[i:], err
		}
	}
	return nil, nil
}

// fluentd plays fluent-plugin-redis-store 0.2.0: lib/fluent/plugin/out_redis_store.rb, write. Fluentd writes a chunk
// again as a whole when write raises. The plugin keeps its client, which connects again by itself.
type fluentd struct {
	rubyClient

	name string // of the command: store_type list with order asc or desc, or publish
}

func (f *fluentd) send(batch []string) (kept []string, err error) {
	if err := f.pipelined(pushes(f.name, key, batch)); err != nil {
		return batch, err
	}
	return nil, nil
}
