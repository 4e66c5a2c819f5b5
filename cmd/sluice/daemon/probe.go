package daemon

import (
	"bufio"
	"context"
	"errors"
	"net"
	"net/netip"
	"sync"
	"syscall"
	"time"
)

const (
	probeInterval = 5 * time.Second
	probeTimeout  = 5 * time.Second
)

// probes are the requests that sluice sends to its own doors. Every line is a good answer, also the refusal of a client
// too many.
var probes = []struct{ door, request string }{
	{respDoor, "PING\r\n"},
	{httpDoor, "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"},
}

// probe sends requests to the doors while a watchdog watches the process. Loops may move although nobody is served;
// probes notice that. It ends when the drain begins, since the drain closes the doors.
func (d *daemon) probe(ctx context.Context) {
	var loops sync.WaitGroup
	for _, p := range probes {
		if d.notifier.Watched() {
			loops.Go(func() { d.probeDoor(ctx, p.door, p.request) })
		}
	}
	loops.Wait()
}

// probeDoor probes the first door of a name while there is one.
func (d *daemon) probeDoor(ctx context.Context, name, request string) {
	beat, end := d.beats.Register("probe:"+name, 2*(probeInterval+probeTimeout))
	defer end()
	tick := time.NewTicker(probeInterval)
	defer tick.Stop()
	for d.phase.Load() == serving {
		door := d.doors.first(name)
		if err := askDoor(ctx, door, request); err == nil || isShortage(err) || door != d.doors.first(name) {
			beat()
		} else if ctx.Err() == nil {
			d.log.Warn("a door does not answer sluice itself", "door", name, "err", err)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// askDoor probes a door. A closed door needs no probe.
func askDoor(ctx context.Context, door *door, request string) error {
	if door == nil {
		return nil
	}
	return ask(ctx, dialAddress(door.listener.Addr()), request)
}

// ask sends a request and waits for one line.
func ask(ctx context.Context, address, request string) error {
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", address)
	if err != nil {
		return err
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(probeTimeout)); err != nil {
		return err
	}
	if _, err := conn.Write([]byte(request)); err != nil {
		return err
	}
	_, err = bufio.NewReader(conn).ReadString('\n')
	return err
}

// isShortage reports whether the process or the machine ran out of something. Such an error says nothing about the
// door, and a restart would not help.
func isShortage(err error) bool {
	for _, e := range []error{syscall.EMFILE, syscall.ENFILE, syscall.ENOBUFS, syscall.ENOMEM, syscall.EADDRNOTAVAIL} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

// dialAddress returns the address under which this machine reaches its own listener.
func dialAddress(listening net.Addr) string {
	at, err := netip.ParseAddrPort(listening.String())
	if err != nil || !at.Addr().IsUnspecified() {
		return listening.String()
	}
	if at.Addr().Is4() {
		return netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), at.Port()).String()
	}
	return netip.AddrPortFrom(netip.IPv6Loopback(), at.Port()).String()
}
