package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"sync/atomic"
	"time"
)

// clientVariable holds, in the environment of a child, the task that makes it a client: this program
// starts itself again, so that a client can be killed like any process.
const clientVariable = "SLUICE_CHECKER_CLIENT"

// task is what a client process does.
type task struct {
	Name string // of the process; unique
	Addr string // of sluice: of its HTTP door with Web, else of its Redis door
	Web  bool   `json:",omitempty"`

	// A producer sends to Topic with Command, RPUSH or RPUSHX.
	Command string `json:",omitempty"`
	Topic   string `json:",omitempty"`
	Rate    int    `json:",omitempty"` // records a second
	// Depth is how many it sends before it reads their answers; 0 means batch.
	Depth int `json:",omitempty"`
	// Size is how long a value is, in random letters; 0 means no longer than its name.
	Size int `json:",omitempty"`
	// Bad says that brokers must refuse the records, and how: see wrong.
	Bad wrong `json:",omitempty"`
	// Partition, over HTTP, is where all records go, by number; 0 means where their keys belong.
	Partition int `json:",omitempty"`

	// A consumer is the member Member and pops Key. It acknowledges what it has held for Hold. With Web
	// there are no members: it takes for the group Member, and Key is the query that says what.
	Member string        `json:",omitempty"`
	Key    string        `json:",omitempty"`
	Hold   time.Duration `json:",omitempty"`
}

// wrong is why brokers refuse a producer's records.
type wrong string

const (
	keyless wrong = "keyless" // in a topic that is compacted
	old     wrong = "old"     // older than the topic takes; HTTP alone has clients say when
	large   wrong = "large"   // larger than the topic takes
)

// mark is what the history says of a producer's records when they are sent.
func (t *task) mark() string {
	if t.Bad == "" {
		return ""
	}
	return bad
}

// depth is how many records a producer sends at once.
func (t *task) depth() int {
	if t.Depth > 0 {
		return t.Depth
	}
	return batch
}

// value is the nth record of a producer.
func (t *task) value(n int) string {
	value := name(t.Name, n)
	if len(value) >= t.Size {
		return value
	}
	letters := make([]byte, t.Size-len(value)-1)
	from := rand.New(rand.NewPCG(uint64(n), uint64(t.Size)))
	for i := range letters {
		letters[i] = alphabet[from.IntN(len(alphabet))]
	}
	return value + "/" + string(letters)
}

const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

// runAsClient does the task of the environment and exits; it returns when there is none. A program
// that starts clients calls it first.
func runAsClient() {
	text := os.Getenv(clientVariable)
	if text == "" {
		return
	}
	var t task
	err := json.Unmarshal([]byte(text), &t)
	if err == nil {
		err = t.run(os.Stdin, os.Stdout)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// client is what producers and consumers share.
type client struct {
	task
	journal journal
	stopped atomic.Bool // the parent closed our stdin
}

// run works until stdin ends, reconnecting whenever the connection is lost.
func (t *task) run(stdin io.Reader, stdout io.Writer) error {
	c := &client{task: *t, journal: journal{client: t.Name, out: stdout}}
	go func() {
		_, _ = io.Copy(io.Discard, bufio.NewReader(stdin))
		c.stopped.Store(true)
	}()
	connect := c.sessions()
	for !c.stopped.Load() {
		if err := connect(); err != nil {
			if err := c.mention(err.Error()); err != nil {
				return err
			}
			<-time.After(reconnectPause)
		}
	}
	return nil
}

const reconnectPause = 20 * time.Millisecond

// sessions returns what connects and works until the connection is lost or the client is stopped.
func (c *client) sessions() func() error {
	switch consumes := c.Member != ""; {
	case c.Web && consumes:
		return connecting(c, knockWeb, (&webConsumer{client: c}).session)
	case c.Web:
		return connecting(c, knockWeb, (&webProducer{client: c}).session)
	case consumes:
		return connecting(c, knock, (&consumer{client: c}).session)
	}
	return connecting(c, knock, (&producer{client: c}).session)
}

func connecting[D interface{ close() }](c *client, knock func(string) (D, error), session func(D) error) func() error {
	return func() error {
		d, err := knock(c.Addr)
		if err != nil {
			return err
		}
		defer d.close()
		c.journal.conn++
		return session(d)
	}
}

// mention notes something for people.
func (c *client) mention(text string) error {
	if err := c.journal.note(trouble, place{}, "", text); err != nil {
		return err
	}
	return c.journal.flush()
}
