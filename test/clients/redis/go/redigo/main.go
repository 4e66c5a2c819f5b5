// Program redigo plays the steps with redigo.
package main

import (
	"clients/step"
	"errors"
	"fmt"

	"github.com/gomodule/redigo/redis"
)

// newPool is a pool as redigo's documents show it.
func newPool() *redis.Pool {
	return &redis.Pool{MaxIdle: 8, Dial: func() (redis.Conn, error) {
		return redis.Dial("tcp", step.Addr, redis.DialPassword(step.Password), redis.DialClientName(step.Name))
	}}
}

func main() {
	step.Main(step.Steps{
		"connect": func() error {
			if step.RESP3 {
				return step.None("connect", "it speaks RESP2 only")
			}
			c := newPool().Get()
			defer c.Close()
			name, err := redis.String(c.Do("CLIENT", "GETNAME"))
			step.Say("name", name)
			return err
		},
		"produce":  produce,
		"typed":    func() error { c := newPool().Get(); return step.Consume(typed(c, step.Key, 2), ack(c)) },
		"raw":      func() error { c := newPool().Get(); return step.Consume(raw(c, step.Key, 2), ack(c)) },
		"pool":     pool,
		"patience": func() error { return step.Patience(pop(newPool().Get(), step.Key, 7)) },
		"restart":  restart,
	})
}

func produce() error {
	c := newPool().Get()
	defer c.Close()
	do := func(command, key, value string) error { return one(c.Do(command, key, value)) }
	pipelined := func(values []string) error {
		for _, v := range values {
			if err := c.Send("RPUSHX", step.Key, v); err != nil {
				return err
			}
		}
		err := c.Flush()
		for range values {
			err = errors.Join(err, one(c.Receive()))
		}
		return err
	}
	multi := func(values []string) error {
		err := c.Send("MULTI")
		for _, v := range values {
			err = errors.Join(err, c.Send("RPUSHX", step.Key, v))
		}
		answers, failed := redis.Ints(c.Do("EXEC"))
		if len(answers) != len(values) {
			failed = fmt.Errorf("%d answers: %w", len(answers), failed)
		}
		return errors.Join(err, failed)
	}
	return step.Parts(do, pipelined, multi)
}

func one(answer any, err error) error {
	n, err := redis.Int(answer, err)
	if err == nil && n != 1 {
		err = fmt.Errorf("the answer is %d", n)
	}
	return err
}

// with runs one command on a connection of the pool.
func with(p *redis.Pool, do func(redis.Conn) error) error {
	c := p.Get()
	return errors.Join(do(c), c.Close())
}

func pool() error {
	p := newPool()
	return step.Pool(
		func(value string) error {
			return with(p, func(c redis.Conn) error { return one(c.Do("RPUSH", step.Key, value)) })
		},
		func(key string) error {
			return with(p, func(c redis.Conn) error { return step.Consume(pop(c, key, 2), step.Accepted) })
		},
	)
}

// restart takes a connection from the pool for each command, as redigo's users do.
func restart() error {
	p := newPool()
	var reply []string
	each := func() ([]string, error) {
		err := with(p, func(c redis.Conn) (err error) { reply, err = pop(c, step.Key, 2)(); return err })
		return reply, err
	}
	return step.Restart(
		func(value string) error {
			return with(p, func(c redis.Conn) error { return one(c.Do("RPUSH", step.Key, value)) })
		},
		each,
		func(offset string) error { return with(p, func(c redis.Conn) error { return ack(c)(offset) }) },
	)
}

func ack(c redis.Conn) func(string) error {
	return func(offset string) error { return one(c.Do("RPUSH", "acks", offset)) }
}

func pop(c redis.Conn, key string, seconds int) func() ([]string, error) {
	if step.Typed {
		return typed(c, key, seconds)
	}
	return raw(c, key, seconds)
}

// typed is what redigo has for lists of strings: it has no call for BLPOP itself.
func typed(c redis.Conn, key string, seconds int) func() ([]string, error) {
	return func() ([]string, error) {
		reply, err := redis.Strings(c.Do("BLPOP", key, seconds))
		if errors.Is(err, redis.ErrNil) {
			return nil, nil
		}
		return reply, err
	}
}

func raw(c redis.Conn, key string, seconds int) func() ([]string, error) {
	return func() ([]string, error) {
		reply, err := redis.Values(c.Do("BLPOP", key, seconds))
		if errors.Is(err, redis.ErrNil) {
			return nil, nil
		}
		var elements []string
		for _, e := range reply {
			if text, ok := e.([]byte); ok {
				e = string(text)
			}
			elements = append(elements, fmt.Sprint(e))
		}
		return elements, err
	}
}
