package daemon

import (
	"context"
	"fmt"
	"strings"
	"time"
)

// reportStatus keeps the line of `systemctl status` up to date, and logs when brokers go and come back.
func (d *daemon) reportStatus(ctx context.Context) {
	brokers := brokerLog{log: d.log, addresses: d.current.get().Kafka.Brokers}
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		err := d.backend.client.Reach()
		brokers.reached(err)
		if err == nil { // otherwise all brokers are silent, and one line says so
			brokers.silent(d.backend.client.Silent())
		}
		d.notifier.Status(d.statusLine())
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// phaseNames are the first words of the status line.
var phaseNames = [...]string{starting: "starting:", serving: "serving", draining: "draining:"}

// statusLine is the line of `systemctl status`.
func (d *daemon) statusLine() string {
	var line strings.Builder
	fmt.Fprintf(&line, "%s %s", phaseNames[d.phase.Load()], counted(d.doors.connections(), "client"))
	if n := d.doors.requests(); n > 0 {
		fmt.Fprintf(&line, ", %s over HTTP", counted(n, "request"))
	}
	client := d.backend.client
	now, groups, lag := client.Stats(), map[string]bool{}, int64(0)
	for _, p := range client.Lags() {
		groups[p.Group] = true
		lag += p.Lag
	}
	fmt.Fprintf(&line, ", %s, %d undelivered, lag %d", counted(max(now.Subscriptions, len(groups)), "group"), now.Pending, lag)
	if err := client.Unreachable(); err != nil {
		line.WriteString("; " + err.Error())
	} else if silent := client.Silent(); len(silent) > 0 {
		fmt.Fprintf(&line, "; broker %s does not answer", silent[0])
	} else if throttled := client.Throttled(); len(throttled) > 0 {
		line.WriteString("; " + throttled[0])
	}
	return line.String()
}

// connections counts the clients of both doors.
func (d *doors) connections() int {
	n := 0
	if d.resp != nil {
		n += d.resp.Stats().Connections
	}
	if door := d.http(); door != nil {
		n += door.Stats().Connections
	}
	return n
}

// requests counts the requests over HTTP: those being answered, and those waiting for records.
func (d *doors) requests() int {
	door := d.http()
	if door == nil {
		return 0
	}
	now := door.Stats()
	return int(now.Requests + now.Waiting)
}

func counted(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
