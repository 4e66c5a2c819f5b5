// Program rueidis plays the steps with rueidis.
package main

import (
	"clients/step"
	"context"
	"errors"
	"fmt"

	"github.com/redis/rueidis"
)

var ctx = context.Background()

func connect() (rueidis.Client, error) {
	return rueidis.NewClient(rueidis.ClientOption{
		InitAddress: []string{step.Addr}, Password: step.Password, ClientName: step.Name,
		AlwaysRESP2: !step.RESP3, DisableCache: !step.RESP3,
	})
}

// with runs a step with a client.
func with(do func(c rueidis.Client) error) func() error {
	return func() error {
		c, err := connect()
		if err != nil {
			return err
		}
		defer c.Close()
		return do(c)
	}
}

func main() {
	step.Main(step.Steps{
		"connect": with(func(c rueidis.Client) error {
			name, err := c.Do(ctx, c.B().ClientGetname().Build()).ToString()
			step.Say("name", name)
			return err
		}),
		"produce": with(produce),
		"typed":   with(func(c rueidis.Client) error { return step.Consume(typed(c, step.Key, 2), ack(c)) }),
		"raw":     with(func(c rueidis.Client) error { return step.Consume(raw(c, step.Key, 2), ack(c)) }),
		"pool": with(func(c rueidis.Client) error {
			return step.Pool(push(c), func(key string) error { return step.Consume(pop(c, key, 2), step.Accepted) })
		}),
		"patience": with(func(c rueidis.Client) error { return step.Patience(pop(c, step.Key, 7)) }),
		"restart": with(func(c rueidis.Client) error {
			return step.Restart(push(c), pop(c, step.Key, 2), ack(c))
		}),
	})
}

func push(c rueidis.Client) func(string) error {
	return func(value string) error {
		return one(c.Do(ctx, c.B().Rpush().Key(step.Key).Element(value).Build()))
	}
}

func produce(c rueidis.Client) error {
	do := func(command, key, value string) error {
		switch command {
		case "RPUSHX":
			return one(c.Do(ctx, c.B().Rpushx().Key(key).Element(value).Build()))
		case "LPUSH":
			return one(c.Do(ctx, c.B().Lpush().Key(key).Element(value).Build()))
		}
		return one(c.Do(ctx, c.B().Rpush().Key(key).Element(value).Build()))
	}
	pipelined := func(values []string) (err error) {
		for _, answer := range c.DoMulti(ctx, rpushx(c, values)...) {
			err = errors.Join(err, one(answer))
		}
		return err
	}
	multi := func(values []string) error {
		return c.Dedicated(func(d rueidis.DedicatedClient) error {
			commands := append([]rueidis.Completed{d.B().Multi().Build()}, rpushx(c, values)...)
			answers := d.DoMulti(ctx, append(commands, d.B().Exec().Build())...)
			got, err := answers[len(answers)-1].AsIntSlice()
			if len(got) != len(values) {
				err = fmt.Errorf("%d answers: %w", len(got), err)
			}
			return err
		})
	}
	return step.Parts(do, pipelined, multi)
}

func rpushx(c rueidis.Client, values []string) (commands rueidis.Commands) {
	for _, v := range values {
		commands = append(commands, c.B().Rpushx().Key(step.Key).Element(v).Build())
	}
	return commands
}

func one(answer rueidis.RedisResult) error {
	n, err := answer.AsInt64()
	if err == nil && n != 1 {
		err = fmt.Errorf("the answer is %d", n)
	}
	return err
}

func ack(c rueidis.Client) func(string) error {
	return func(offset string) error { return one(c.Do(ctx, c.B().Rpush().Key("acks").Element(offset).Build())) }
}

func pop(c rueidis.Client, key string, seconds int) func() ([]string, error) {
	if step.Typed {
		return typed(c, key, seconds)
	}
	return raw(c, key, seconds)
}

func typed(c rueidis.Client, key string, seconds int) func() ([]string, error) {
	return func() ([]string, error) {
		reply, err := c.Do(ctx, c.B().Blpop().Key(key).Timeout(float64(seconds)).Build()).AsStrSlice()
		return orNothing(reply, err)
	}
}

func raw(c rueidis.Client, key string, seconds int) func() ([]string, error) {
	return func() ([]string, error) {
		command := c.B().Arbitrary("BLPOP").Keys(key).Args(fmt.Sprint(seconds)).Blocking()
		reply, err := c.Do(ctx, command).ToArray()
		var elements []string
		for _, e := range reply {
			text, err := e.ToString()
			if err != nil {
				n, _ := e.AsInt64()
				text = fmt.Sprint(n)
			}
			elements = append(elements, text)
		}
		return orNothing(elements, err)
	}
}

// orNothing is a reply, where nil is no error but nothing.
func orNothing(reply []string, err error) ([]string, error) {
	if rueidis.IsRedisNil(err) {
		return nil, nil
	}
	return reply, err
}
