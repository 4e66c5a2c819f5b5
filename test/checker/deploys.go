package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strconv"
	"sync"
	"time"

	"github.com/sluice-proxy/sluice/test/harness"
)

// deploy is one way in which a worker of a group is replaced while records come.
type deploy struct {
	name     string
	protocol string // of the group
	web      bool
	more     bool          // the new one consumes another topic, too
	property string        // that the new one sets
	overlap  time.Duration // the new one waits so long before the old one leaves
}

var deploys = []deploy{
	{name: "the same topics", protocol: "classic", overlap: long},
	{name: "another topic", protocol: "classic", more: true, overlap: long},
	{name: "another topic, old leaves soon", protocol: "classic", more: true, overlap: short},
	{name: "another property", protocol: "classic", property: `,"auto.offset.reset":"latest"`, overlap: long},
	{name: "the same topics", protocol: "consumer", overlap: long},
	{name: "another topic", protocol: "consumer", more: true, overlap: long},
	{name: "another topic, old leaves soon", protocol: "consumer", more: true, overlap: short},
	{name: "another property", protocol: "consumer", property: `,"auto.offset.reset":"latest"`, overlap: long},
	{name: "the same topics", protocol: "classic", web: true, overlap: long},
	{name: "another topic", protocol: "classic", web: true, more: true, overlap: long},
}

const (
	short, long      = 200 * time.Millisecond, 3 * time.Second
	deployPartitions = 4
	deployPeriod     = 20 * time.Millisecond // between two records of a partition
	deployAfter      = leaseTime + 3*time.Second
	deployHeader     = "    %-32s %-9s %-5s %8s %10s\n"
	deployRow        = "    %-32s %-9s %-5s %8d %10s\n"
)

// tryDeploys tells how long a partition stands still at most while workers are replaced.
func (o *options) tryDeploys(ctx context.Context, match *regexp.Regexp, out io.Writer) error {
	s, err := o.open(ctx, 1)
	if err != nil {
		return err
	}
	door, err := harness.FreeAddr()
	if err != nil {
		return errors.Join(err, s.close())
	}
	sluice, err := harness.StartSluice(ctx, harness.SluiceOptions{Binary: o.plan.Binary, Brokers: s.kafka.Brokers(), HTTP: door})
	if err != nil {
		return errors.Join(err, s.close())
	}
	defer func() { _ = sluice.Close() }()
	fmt.Fprintf(out, deployHeader, "deploy", "protocol", "door", "records", "longest")
	for i, d := range deploys {
		if match.MatchString(d.name) && err == nil {
			err = s.deploy(ctx, d, "deploy-"+strconv.Itoa(i), sluice, out)
		}
	}
	return errors.Join(err, s.close())
}

// deploy tries one.
func (s *stage) deploy(ctx context.Context, d deploy, topic string, sluice *harness.Sluice, out io.Writer) error {
	for _, name := range []string{topic, topic + "-more"} {
		if err := s.create(ctx, name, layout{Partitions: deployPartitions}); err != nil {
			return err
		}
	}
	seen := &arrivals{}
	ctx, stop := context.WithCancel(ctx)
	var running sync.WaitGroup
	defer running.Wait()
	defer stop()
	running.Go(func() { s.drip(ctx, topic) })
	oldContext, leave := context.WithCancel(ctx)
	defer leave()
	gone := make(chan error, 2)
	go func() { gone <- d.work(oldContext, sluice, topic, "old", topic, "", seen.note) }()
	if err := harness.Until(ctx, seen.everywhere); err != nil {
		return err
	}
	seen.begin()
	topics := topic
	if d.more {
		topics += "," + topic + "-more"
	}
	go func() { gone <- d.work(ctx, sluice, topic, "new", topics, d.property, seen.note) }()
	if err := pause(ctx, d.overlap); err != nil {
		return err
	}
	leave()
	if err := errors.Join(<-gone, pause(ctx, deployAfter)); err != nil {
		return err
	}
	n, longest := seen.longest()
	door := "resp"
	if d.web {
		door = "http"
	}
	fmt.Fprintf(out, deployRow, d.name, d.protocol, door, n, longest.Round(time.Millisecond))
	stop()
	return <-gone
}

// drip writes records to each partition until ctx ends.
func (s *stage) drip(ctx context.Context, topic string) {
	for pause(ctx, deployPeriod) == nil {
		for p := range int32(deployPartitions) {
			_ = s.admin.Produce(ctx, topic, p, nil, "x") // one that is late shows in the control too
		}
	}
}

// work consumes and acknowledges in the name of one worker until ctx ends, and says goodbye where that can be said.
func (d deploy) work(ctx context.Context, sluice *harness.Sluice, group, name, topics, property string, seen func(int32)) error {
	if d.web {
		return d.workWeb(ctx, sluice.HTTP, group, topics, seen)
	}
	k, err := knock(sluice.Addr)
	if err != nil {
		return err
	}
	defer k.close()
	if _, err := k.ask("CLIENT", "SETNAME", group+":"+name); err != nil {
		return err
	}
	key := fmt.Sprintf(`topics:%s:{"group.protocol":%q%s}`, topics, d.protocol, property)
	for ctx.Err() == nil {
		answer, err := k.ask("BLPOP", key, popSeconds)
		if err != nil {
			return err
		}
		records, err := deliveries(answer)
		if err != nil {
			return err
		}
		for _, r := range records {
			seen(r.Partition)
		}
		if err := acknowledge(k, records); err != nil {
			return err
		}
	}
	_, err = k.ask("QUIT")
	return err
}

// workWeb is a worker over HTTP: it has acknowledged all that it had, and asks no more.
func (d deploy) workWeb(ctx context.Context, addr, group, topics string, seen func(int32)) error {
	w, err := knockWeb(addr)
	if err != nil {
		return err
	}
	defer w.close()
	path := fmt.Sprintf("/v1/groups/%s/messages?format=binary&wait=100ms&ack_timeout=%s&group.protocol=%s&topics=%s",
		group, leaseTime, d.protocol, topics)
	for ctx.Err() == nil {
		var records []lease
		if err := w.ask(http.MethodGet, path, nil, &records); err != nil {
			return err
		}
		for _, r := range records {
			seen(r.Partition)
		}
		if err := acknowledgeWeb(w, group, records); err != nil {
			return err
		}
	}
	return nil
}

func acknowledgeWeb(w *web, group string, records []lease) error {
	if len(records) == 0 {
		return nil
	}
	var body struct {
		Ack []string `json:"ack"`
	}
	for _, r := range records {
		body.Ack = append(body.Ack, r.Lease)
	}
	var answer struct{}
	return w.ask(http.MethodPost, "/v1/groups/"+group+"/acks", body, &answer)
}

// arrivals are when records of each partition came, whoever got them.
type arrivals struct {
	mu   sync.Mutex // guards what follows
	n    int
	last [deployPartitions]time.Time
	most time.Duration
}

func (a *arrivals) note(partition int32) {
	a.mu.Lock()
	defer a.mu.Unlock()
	now := time.Now()
	if last := a.last[partition]; !last.IsZero() {
		a.most = max(a.most, now.Sub(last))
	}
	a.last[partition] = now
	a.n++
}

var errPartitionWaits = errors.New("a partition has brought nothing yet")

// everywhere is nil when a record of each partition has come.
func (a *arrivals) everywhere(context.Context) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, last := range a.last {
		if last.IsZero() {
			return errPartitionWaits
		}
	}
	return nil
}

// begin forgets what was before.
func (a *arrivals) begin() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.n, a.most = 0, 0
}

// longest is how many records came, and how long a partition brought none, up to now.
func (a *arrivals) longest() (int, time.Duration) {
	a.mu.Lock()
	defer a.mu.Unlock()
	most := a.most
	for _, last := range a.last {
		most = max(most, time.Since(last))
	}
	return a.n, most
}
