// Program goredis8 plays the steps with go-redis 8.
package main

import (
	"clients/step"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/go-redis/redis/v8"
)

var ctx = context.Background()

func connect() *redis.Client {
	return redis.NewClient(&redis.Options{Addr: step.Addr, Password: step.Password, OnConnect: setName})
}

func setName(ctx context.Context, c *redis.Conn) error { return c.ClientSetName(ctx, step.Name).Err() }

func main() {
	step.Main(step.Steps{
		"connect": func() error {
			if step.RESP3 {
				return step.None("connect", "it speaks RESP2 only")
			}
			name, err := connect().ClientGetName(ctx).Result()
			step.Say("name", name)
			return err
		},
		"produce":  produce,
		"typed":    func() error { c := single(); return step.Consume(typed(c, step.Key, 2), ack(c)) },
		"raw":      func() error { c := single(); return step.Consume(raw(c, step.Key, 2), ack(c)) },
		"pool":     pool,
		"patience": func() error { return step.Patience(pop(connect(), step.Key, 7)) },
		"restart": func() error {
			c := connect()
			push := func(value string) error { return c.RPush(ctx, step.Key, value).Err() }
			return step.Restart(push, pop(c, step.Key, 2), ack(c))
		},
	})
}

// single is a client whose one connection both consumes and acknowledges.
func single() *redis.Client {
	o := *connect().Options()
	o.PoolSize = 1
	return redis.NewClient(&o)
}

func produce() error {
	c := connect()
	do := func(command, key, value string) error {
		push := map[string]func(context.Context, string, ...any) *redis.IntCmd{"RPUSHX": c.RPushX, "RPUSH": c.RPush, "LPUSH": c.LPush}[command]
		return one(push(ctx, key, value))
	}
	batch := func(send func(context.Context, func(redis.Pipeliner) error) ([]redis.Cmder, error)) func([]string) error {
		return func(values []string) error {
			answers, err := send(ctx, func(p redis.Pipeliner) error {
				for _, v := range values {
					p.RPushX(ctx, step.Key, v)
				}
				return nil
			})
			for _, answer := range answers {
				err = errors.Join(err, one(answer.(*redis.IntCmd)))
			}
			return err
		}
	}
	if err := step.Parts(do, batch(c.Pipelined), batch(c.TxPipelined)); err != nil {
		return err
	}
	id, err := c.XAdd(ctx, &redis.XAddArgs{
		Stream: step.Topic, NoMkStream: true, MaxLen: 1000, Approx: true,
		Values: []string{"value", "added", "key", "c-17", "traceparent", "00-1-2-01"},
	}).Result()
	return errors.Join(err, step.Entry(id))
}

func one(answer *redis.IntCmd) error {
	n, err := answer.Result()
	if err == nil && n != 1 {
		err = fmt.Errorf("the answer is %d", n)
	}
	return err
}

func pool() error {
	c := connect()
	return step.Pool(
		func(value string) error { return c.RPush(ctx, step.Key, value).Err() },
		func(key string) error { return step.Consume(pop(c, key, 2), step.Accepted) },
	)
}

func ack(c *redis.Client) func(string) error {
	return func(offset string) error { return one(c.RPush(ctx, "acks", offset)) }
}

func pop(c *redis.Client, key string, seconds int) func() ([]string, error) {
	if step.Typed {
		return typed(c, key, seconds)
	}
	return raw(c, key, seconds)
}

func typed(c *redis.Client, key string, seconds int) func() ([]string, error) {
	return func() ([]string, error) {
		reply, err := c.BLPop(ctx, time.Duration(seconds)*time.Second, key).Result()
		if errors.Is(err, redis.Nil) {
			return nil, nil
		}
		return reply, err
	}
}

func raw(c *redis.Client, key string, seconds int) func() ([]string, error) {
	return func() ([]string, error) {
		reply, err := c.Do(ctx, "BLPOP", key, seconds).Slice()
		if errors.Is(err, redis.Nil) {
			return nil, nil
		}
		var elements []string
		for _, e := range reply {
			elements = append(elements, fmt.Sprint(e))
		}
		return elements, err
	}
}
