// Command load is the clients of a test in a booted container: it produces through sluice for a while,
// counts how each request ended, reads the topic from Kafka itself, and prints what it found as JSON.
// It is built without cgo, so that it runs in a system that has nothing.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"sync"
	"time"
)

// options are the flags.
type options struct {
	addr    string        // sluice's Redis door
	kafka   string        // a broker, to look with other eyes
	topic   string        // produced to; topic + "-silent" is never produced to, and waited for
	workers int           // connections at a time
	each    bool          // a new connection for each request
	blocked int           // consumers that wait for a record that never comes
	pause   time.Duration // of a worker between two requests
	runs    time.Duration
}

func main() {
	var o options
	flag.StringVar(&o.addr, "addr", "127.0.0.1:6380", "sluice's Redis door")
	flag.StringVar(&o.kafka, "kafka", "", "a Kafka broker")
	flag.StringVar(&o.topic, "topic", "load", "topic to produce to")
	flag.IntVar(&o.workers, "workers", 200, "connections at a time")
	flag.BoolVar(&o.each, "each", false, "a new connection for each request")
	flag.IntVar(&o.blocked, "blocked", 0, "consumers that only wait")
	flag.DurationVar(&o.pause, "pause", 20*time.Millisecond, "a worker's pause between two requests")
	flag.DurationVar(&o.runs, "for", 10*time.Second, "how long to produce")
	flag.Parse()
	books, err := run(o)
	if err != nil {
		fmt.Fprintln(os.Stderr, "load:", err)
		os.Exit(1)
	}
	if err := json.NewEncoder(os.Stdout).Encode(books.result()); err != nil {
		os.Exit(1)
	}
}

// run produces for o.runs and then reads back what is in Kafka.
func run(o options) (*books, error) {
	b := newBooks()
	ctx, cancel := context.WithTimeout(context.Background(), o.runs)
	defer cancel()
	var all sync.WaitGroup
	for i := range o.workers {
		w := worker{options: o, books: b, number: i}
		all.Go(func() { w.run(ctx) })
	}
	for i := range o.blocked {
		w := worker{options: o, books: b, number: i}
		all.Go(func() { w.wait(ctx) })
	}
	all.Wait()
	if o.kafka == "" {
		return b, nil
	}
	return b, b.verify(o.kafka, o.topic)
}
