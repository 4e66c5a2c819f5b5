package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"time"

	"github.com/sluice-proxy/sluice/test/harness"
)

// Many topics at once: names that nobody has used, and topics that stand ready.
const (
	newTopics      = 4000
	standingTopics = 2000
	topicClients   = 4
)

const (
	topicsHeader = "    %-24s %8s %8s %8s %8s %9s %8s %8s\n"
	topicsRow    = "    %-24s %8d %8d %8d %8s %9d %8d %8d\n"
)

// flood is one trial: records to many topics at once while brokers are as they are.
type flood struct {
	name     string
	command  string // RPUSH or RPUSHX
	topics   int
	standing bool // the topics are there
	begin    func(context.Context, *harness.KafkaNode) error
	end      func(*harness.KafkaNode) error
}

var floods = []flood{
	{name: "standing, first records", command: "RPUSH", topics: standingTopics, standing: true},
	{name: "standing, second records", command: "RPUSH", topics: standingTopics, standing: true},
	{name: "new, brokers up", command: "RPUSHX", topics: newTopics},
	{
		name: "new, brokers frozen", command: "RPUSHX", topics: newTopics,
		begin: func(_ context.Context, n *harness.KafkaNode) error { return n.Pause() }, end: (*harness.KafkaNode).Resume,
	},
	{
		name: "new, brokers refusing", command: "RPUSHX", topics: newTopics,
		begin: func(ctx context.Context, n *harness.KafkaNode) error { return n.Stop(ctx) },
	},
}

// tryTopics tells what many topics at once cost sluice in threads and time.
func (o *options) tryTopics(ctx context.Context, match *regexp.Regexp, out io.Writer) error {
	kafka, err := harness.StartKafka(ctx, harness.KafkaOptions{}) // it creates topics that records come for
	if err != nil {
		return err
	}
	s, err := newStage(kafka)
	if err != nil {
		return err
	}
	for i := range standingTopics {
		if err := s.create(ctx, standingTopic(i), layout{Partitions: 1}); err != nil {
			return errors.Join(err, s.close())
		}
	}
	sluice, err := harness.StartSluice(ctx, harness.SluiceOptions{Binary: o.plan.Binary, Brokers: s.kafka.Brokers()})
	if err != nil {
		return errors.Join(err, s.close())
	}
	defer func() { _ = sluice.Close() }()
	fmt.Fprintf(out, topicsHeader, "topics", "records", "ok", "refused", "time", "waits yet", "threads", "at most")
	for i, f := range floods {
		if match.MatchString(f.name) && err == nil {
			err = s.flood(ctx, f, strconv.Itoa(i), sluice, out)
		}
	}
	return errors.Join(err, s.close())
}

func standingTopic(i int) string { return fmt.Sprintf("standing-%d", i) }

// flood tries one.
func (s *stage) flood(ctx context.Context, f flood, id string, sluice *harness.Sluice, out io.Writer) error {
	for _, node := range s.kafka.Nodes {
		if f.begin != nil {
			if err := f.begin(ctx, node); err != nil {
				return err
			}
		}
	}
	before, err := threads(sluice.PID())
	if err != nil {
		return err
	}
	watching, stop := context.WithCancel(ctx)
	defer stop()
	most := make(chan int, 1)
	go func() { most <- mostThreads(watching, sluice.PID()) }()
	results := make(chan answers, topicClients)
	for client := range topicClients {
		go func() {
			results <- f.send(sluice.Addr, func(i int) string {
				if f.standing {
					return standingTopic(i)
				}
				return fmt.Sprintf("new-%s-%d", id, i)
			}, client)
		}()
	}
	var sum answers
	for range topicClients {
		a := <-results
		sum.ok, sum.refused, sum.left, sum.err = sum.ok+a.ok, sum.refused+a.refused, sum.left+a.left, errors.Join(sum.err, a.err)
		sum.spent = max(sum.spent, a.spent)
	}
	stop()
	fmt.Fprintf(out, topicsRow, f.name, f.topics, sum.ok, sum.refused, sum.spent.Round(time.Millisecond), sum.left, before, <-most)
	for _, node := range s.kafka.Nodes {
		if f.end != nil {
			sum.err = errors.Join(sum.err, f.end(node))
		}
	}
	return sum.err
}

// answers are what one client was told.
type answers struct {
	ok, refused int
	spent       time.Duration // until the last of them
	left        int           // records that are not delivered ten seconds later
	err         error
}

// send sends one client's part of the records in one pipeline.
func (f flood) send(addr string, topic func(int) string, client int) (a answers) {
	d, err := knock(addr)
	if err != nil {
		return answers{err: err}
	}
	defer d.close()
	n, begun := 0, time.Now()
	for i := client; i < f.topics; i += topicClients {
		d.add(f.command, "topics:"+topic(i), "x")
		n++
	}
	if a.err = d.send(); a.err != nil {
		return a
	}
	for range n {
		answer, err := d.reply()
		if err != nil {
			a.err = err
			return a
		}
		if _, no := answer.(refusal); no {
			a.refused++
		} else {
			a.ok++
		}
	}
	a.spent = time.Since(begun)
	a.left, a.err = d.undelivered()
	return a
}

// undelivered waits until what the client has sent is delivered, ten seconds at most, and tells how much is not.
func (d *door) undelivered() (int, error) {
	answer, err := d.ask("DUMP", "10000")
	n, _ := answer.(int64)
	return int(n), err
}

// threads is how many a process has.
func threads(pid int) (int, error) {
	tasks, err := os.ReadDir(filepath.Join("/proc", strconv.Itoa(pid), "task"))
	return len(tasks), err
}

// mostThreads is how many a process had at most until ctx ended.
func mostThreads(ctx context.Context, pid int) (most int) {
	for pause(ctx, 5*time.Millisecond) == nil {
		if n, err := threads(pid); err == nil {
			most = max(most, n)
		}
	}
	return most
}
