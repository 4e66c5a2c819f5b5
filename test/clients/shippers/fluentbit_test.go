//go:build matrix

package shippers

import (
	"strconv"
	"time"
)

// fluentBit plays the only output of Fluent Bit for Redis, a plugin of others: majst01/fluent-bit-go-redis-output,
// redis.go, newPool and sendImpl, on gomodule/redigo. It sends a batch and never looks at an answer: what its pool reads
// before it keeps a connection, the pool throws away.
type fluentBit struct {
	login

	conn *wire
}

func (f *fluentBit) connect(addr string) error {
	conn, err := dial(addr, filebeatTimeout)
	if err != nil {
		return err
	}
	f.conn = conn
	if f.db != 0 { // a part of the dialing, and so in front of AUTH
		if _, err := conn.ask("SELECT", strconv.Itoa(f.db)); err != nil {
			return err
		}
	}
	if f.password != "" {
		_, err = conn.ask("AUTH", f.password)
	}
	return err
}

func (f *fluentBit) send(batch []string) (kept []string, err error) {
	if err := f.conn.SetDeadline(time.Now().Add(filebeatTimeout)); err != nil {
		return batch, err
	}
	if err := f.conn.write(pipeline(pushes("RPUSH", key, batch)...)); err != nil {
		return batch, err
	}
	_, err = f.conn.answers(len(batch))
	return nil, err
}

func (f *fluentBit) close() { f.conn.end() }
