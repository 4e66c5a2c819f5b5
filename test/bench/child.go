package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"
)

// errand is what a child process does: the plain binding is measured in a process of its own.
type errand struct {
	brokers, topic, group string
	n                     int
	alike                 bool // all records have the same value
	batch                 int  // bytes of a produced batch, before compression
	linger                int  // milliseconds
	callers, each         int  // who produce at once, and how many records at a time
}

// finding is what a child reports, as JSON on its stdout.
type finding struct {
	Records  int
	Enqueued time.Duration // until the last record was accepted by the binding
	Elapsed  time.Duration
	CPU      time.Duration // of the whole child
	Before   usage         // of a process without a Kafka client
	After    usage
	Times    []time.Duration // of single records
}

// rate is records per second.
func (f finding) rate() float64 { return float64(f.Records) / f.Elapsed.Seconds() }

var children = map[string]func(context.Context, errand) (finding, error){
	"produce": bindingProduces,
	"request": bindingRequests,
	"consume": bindingConsumes,
	"hold":    bindingHolds,
	"latency": bindingWaits,
}

// runChild is main in a child.
func runChild(ctx context.Context, name string, args []string, out io.Writer) error {
	var e errand
	flags := flag.NewFlagSet(name, flag.ContinueOnError)
	flags.StringVar(&e.brokers, "brokers", "", "bootstrap addresses")
	flags.StringVar(&e.topic, "topic", "", "topic")
	flags.StringVar(&e.group, "group", "", "group")
	flags.IntVar(&e.n, "n", 0, "records or consumers")
	flags.IntVar(&e.batch, "batch", 1_000_000, "bytes of a batch")
	flags.IntVar(&e.linger, "linger", 5, "milliseconds that a batch waits")
	flags.IntVar(&e.callers, "callers", 1, "how many produce at once")
	flags.IntVar(&e.each, "each", 1, "records that a caller produces at a time")
	flags.BoolVar(&e.alike, "alike", false, "all records have the same value")
	if err := flags.Parse(args); err != nil {
		return err
	}
	f, err := children[name](ctx, e)
	if err != nil {
		return err
	}
	now, err := usageOf(os.Getpid())
	if err != nil {
		return err
	}
	f.CPU = now.CPU
	return json.NewEncoder(out).Encode(f)
}

// child runs one in a process of its own and waits for what it found.
func (b *bench) child(ctx context.Context, name, topic string, n int, more ...string) (finding, error) {
	var f finding
	self, err := os.Executable()
	if err != nil {
		return f, err
	}
	args := []string{
		name, "-brokers", strings.Join(b.kafka.Brokers(), ","), "-topic", topic,
		"-n", fmt.Sprint(n), "-group", fmt.Sprintf("plain-%d", time.Now().UnixNano()),
	}
	cmd := exec.CommandContext(ctx, self, append(args, more...)...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	cmd.Stderr = os.Stderr
	text, err := cmd.Output()
	if err != nil {
		return f, fmt.Errorf("child %s: %w", name, err)
	}
	return f, json.Unmarshal(text, &f)
}
