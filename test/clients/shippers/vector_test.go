//go:build matrix

package shippers

import (
	"errors"
	"strconv"
	"time"
)

// vector plays the sink of Vector: vectordotdev/vector, src/sinks/redis/service.rs, sink.rs and config.rs (0.44; commit
// 185d1fdbb6d0 of service.rs sends the same), on redis-rs, redis/src/connection.rs, connection_setup_pipeline.
type vector struct {
	login

	name string // of the command: data_type list with method rpush or lpush, or channel

	conn *wire
}

// vectorPatience is request.timeout_secs.
const vectorPatience = 60 * time.Second

// connect sends the pipeline of redis-rs, which judges AUTH and SELECT only, and the health check of the sink.
func (v *vector) connect(addr string) error {
	conn, err := dial(addr, vectorPatience)
	if err != nil {
		return err
	}
	v.conn = conn
	var setup [][]string
	if v.password != "" {
		setup = append(setup, []string{"AUTH", v.password})
	}
	if v.db != 0 {
		setup = append(setup, []string{"SELECT", strconv.Itoa(v.db)})
	}
	judged := len(setup)
	setup = append(setup, []string{"CLIENT", "SETINFO", "LIB-NAME", "redis-rs"}, []string{"CLIENT", "SETINFO", "LIB-VER", "1.0.0"})
	if err := conn.write(pipeline(setup...)); err != nil {
		return err
	}
	answers, err := conn.answers(len(setup))
	if err != nil {
		return err
	}
	if err := firstRefusal(answers[:judged]); err != nil {
		return err
	}
	_, err = conn.ask("PING")
	return err
}

// send is RedisService::call: a batch of one event is a command, a larger one is a transaction. Every error is tried
// again with the whole batch, and so is an answer of 0 or null.
func (v *vector) send(batch []string) (kept []string, err error) {
	if err := v.conn.SetDeadline(time.Now().Add(vectorPatience)); err != nil {
		return batch, err
	}
	commands := pushes(v.name, key, batch)
	if len(batch) > 1 {
		commands = append([][]string{{"MULTI"}}, append(commands, []string{"EXEC"})...)
	}
	if err := v.conn.write(pipeline(commands...)); err != nil {
		return batch, err
	}
	answers, err := v.conn.answers(len(commands))
	if err == nil {
		err = firstRefusal(answers)
	}
	if err == nil && !successful(answers[len(answers)-1]) {
		err = errors.New("Sending data to redis failed.") //nolint:revive // Vector's text
	}
	if err != nil {
		return batch, err
	}
	return nil, nil
}

// successful is whether redis-rs makes true of an answer, or of all answers inside of EXEC's.
func successful(answer any) bool {
	switch a := answer.(type) {
	case int64:
		return a != 0
	case []any:
		for _, one := range a {
			if !successful(one) {
				return false
			}
		}
		return len(a) > 0
	}
	return false
}

func (v *vector) close() { v.conn.end() }
