package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/sluice-proxy/sluice/kafka"
)

// tell keeps the line of `systemctl status` up to date, and logs when the brokers come and go.
func (d *daemon) tell(ctx context.Context) {
	reach := reach{log: d.log, brokers: d.config().Kafka.Brokers}
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		err := d.client.Reach()
		reach.note(err)
		if err == nil { // else there is one line for all
			reach.name(d.client.Silent())
		}
		d.notifier.Status(d.statusLine())
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// statusLine is one line on how things are.
func (d *daemon) statusLine() string {
	var line strings.Builder
	fmt.Fprintf(&line, "%s %s", phases[d.phase.Load()], counted(d.connections(), "client"))
	if n := d.requests(); n > 0 {
		fmt.Fprintf(&line, ", %s over HTTP", counted(n, "request"))
	}
	now, groups, lag := d.client.Stats(), map[string]bool{}, int64(0)
	for _, p := range d.client.Lags() {
		groups[p.Group] = true
		lag += p.Lag
	}
	fmt.Fprintf(&line, ", %s, %d undelivered, lag %d", counted(max(now.Subscriptions, len(groups)), "group"), now.Pending, lag)
	if err := d.client.Reach(); err != nil && !errors.Is(err, kafka.ErrNotAsked) {
		line.WriteString("; no broker answers")
	} else if silent := d.client.Silent(); len(silent) > 0 {
		fmt.Fprintf(&line, "; broker %s does not answer", silent[0])
	}
	return line.String()
}

// phases are the words for a daemon's phases.
var phases = [...]string{starting: "starting:", serving: "serving", draining: "draining:"}

func (d *daemon) connections() int {
	n := 0
	if d.resp != nil {
		n += d.resp.Stats().Connections
	}
	if d.rest != nil {
		n += d.rest.Stats().Connections
	}
	return n
}

// requests are those over HTTP that are being answered, and those that wait for records.
func (d *daemon) requests() int {
	if d.rest == nil {
		return 0
	}
	now := d.rest.Stats()
	return int(now.Requests + now.Waiting)
}

func counted(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

const (
	probeEvery = 5 * time.Second
	probeLimit = 5 * time.Second
)

// probes are what sluice says to its own doors, as a client would. Any line that comes back will do, even
// one that says that there is no room.
var probes = []struct{ door, says string }{
	{respDoor, "PING\r\n"},
	{httpDoor, "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"},
}

// probe talks to the doors for as long as a watchdog looks after sluice: whether the loops turn is one
// thing, whether somebody is served another. It stops when the drain begins, which closes the doors.
func (d *daemon) probe(ctx context.Context) {
	var talks sync.WaitGroup
	for _, p := range probes {
		if door := d.open(p.door); door != nil && d.notifier.Watched() {
			talks.Go(func() { d.probeDoor(ctx, door, p.says) })
		}
	}
	talks.Wait()
}

func (d *daemon) probeDoor(ctx context.Context, door *door, says string) {
	beat, end := d.beats.Register("probe:"+door.name, 2*(probeEvery+probeLimit))
	defer end()
	tick := time.NewTicker(probeEvery)
	defer tick.Stop()
	for d.phase.Load() == serving {
		if err := talkOnce(ctx, reachable(door.listener.Addr()), says); err == nil || ours(err) {
			beat()
		} else if ctx.Err() == nil {
			d.log.Warn("a door does not answer sluice itself", "door", door.name, "err", err)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// talkOnce is answered when a line comes back.
func talkOnce(ctx context.Context, address, says string) error {
	ctx, cancel := context.WithTimeout(ctx, probeLimit)
	defer cancel()
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", address)
	if err != nil {
		return err
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(probeLimit)); err != nil {
		return err
	}
	if _, err := conn.Write([]byte(says)); err != nil {
		return err
	}
	_, err = bufio.NewReader(conn).ReadString('\n')
	return err
}

// ours tells errors that say nothing about the door: the process or the machine has run out of
// something, which a restart does not cure.
func ours(err error) bool {
	for _, e := range []error{syscall.EMFILE, syscall.ENFILE, syscall.ENOBUFS, syscall.ENOMEM, syscall.EADDRNOTAVAIL} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

// reachable is the address by which this machine reaches a listener of its own.
func reachable(listening net.Addr) string {
	at, err := netip.ParseAddrPort(listening.String())
	if err != nil || !at.Addr().IsUnspecified() {
		return listening.String()
	}
	if at.Addr().Is4() {
		return netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), at.Port()).String()
	}
	return netip.AddrPortFrom(netip.IPv6Loopback(), at.Port()).String()
}
