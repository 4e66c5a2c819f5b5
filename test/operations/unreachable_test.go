package operations

import (
	"context"
	"fmt"
	"net"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/sluice-proxy/sluice/test/harness"
	"github.com/sluice-proxy/sluice/test/harness/harnesstest"
)

// unreachable is a sluice whose only broker is not there yet.
type unreachable struct {
	*harness.Sluice
	broker string
}

func startUnreachable(t *testing.T, ctx context.Context, config ...string) *unreachable {
	t.Helper()
	u := &unreachable{broker: harnesstest.FreeAddr(t)}
	u.Sluice = start(t, ctx, harness.SluiceOptions{
		Brokers: []string{u.broker}, HTTP: harnesstest.FreeAddr(t), Args: []string{"--config", harnesstest.Config(t, config...)},
	})
	awaitNotReady(t, ctx, u.Sluice, "no broker answers: "+u.broker+" refuses connections: nothing listens there")
	return u
}

// arrive starts the broker.
func (u *unreachable) arrive(t *testing.T) *harnesstest.FakeCluster {
	t.Helper()
	_, port, err := net.SplitHostPort(u.broker)
	if err != nil {
		t.Fatal(err)
	}
	number, err := strconv.Atoi(port)
	if err != nil {
		t.Fatal(err)
	}
	return harnesstest.Fake(t, harness.FakeOptions{Port: number})
}

// Clients are told why no broker answers, and that their record may be sent again.
func TestTheRedisDoorSaysWhyNoBrokerAnswers(t *testing.T) {
	t.Parallel()
	ctx := harnesstest.Within(t, time.Minute)
	u := startUnreachable(t, ctx, "resp: {ack_timeout: 100ms}")
	why := "no broker answers: " + u.broker + " refuses connections: nothing listens there"
	c := connect(t, ctx, u.Addr, "app:w")
	if _, err := c.do("RPUSH", "topics:letters", "x"); err == nil || err.Error() != "PROD retry: topic letters: not sent within 100ms: "+why {
		t.Errorf("RPUSH: %v", err)
	}
	if _, err := c.do("XADD", "letters", "*", "value", "x"); err == nil || err.Error() != "TRYAGAIN retry: topic letters: not sent within 100ms: "+why {
		t.Errorf("XADD: %v", err)
	}
	if _, err := c.do("BLPOP", "topics:letters", "0.1"); err == nil || err.Error() != "CONS "+why {
		t.Errorf("BLPOP: %v", err)
	}
}

// A client that loses patience, closes its connection and sends again, leaves one copy.
func TestAClientWithoutPatienceLeavesOneCopy(t *testing.T) {
	t.Parallel()
	ctx := harnesstest.Within(t, time.Minute)
	u := startUnreachable(t, ctx)
	const impatient = 5
	for n := range impatient {
		c := connect(t, ctx, u.Addr, "")
		if _, err := c.Write([]byte(encode("RPUSH", "topics:letters", "once"))); err != nil {
			t.Fatal(err)
		}
		harnesstest.Until(t, ctx, func(ctx context.Context) error { return u.holds(ctx, 1) })
		_ = c.Close()
		harnesstest.Until(t, ctx, func(ctx context.Context) error { return u.holds(ctx, 0) })
		if dropped := harnesstest.Scrape(t, ctx, u.Sluice).Sum("sluice_produce_messages_total", "result", "retry"); dropped != float64(n+1) {
			t.Errorf("%v records are counted as dropped, want %d", dropped, n+1)
		}
	}
	patient := connect(t, ctx, u.Addr, "")
	if _, err := patient.Write([]byte(encode("RPUSH", "topics:letters", "once"))); err != nil {
		t.Fatal(err)
	}
	harnesstest.Until(t, ctx, func(ctx context.Context) error { return u.holds(ctx, 1) })
	cluster := u.arrive(t)
	if n, err := patient.in.ReadString('\n'); err != nil || strings.TrimSpace(n) != ":1" {
		t.Fatal(n, err)
	}
	records, err := cluster.Admin.Records(ctx, "letters")
	if err != nil || len(records) != 1 {
		t.Errorf("%d copies, %v", len(records), err)
	}
}

// holds is nil when sluice holds so many records.
func (u *unreachable) holds(ctx context.Context, want float64) error {
	m, err := u.Scrape(ctx)
	if err != nil {
		return err
	}
	if held := m.Sum("sluice_produce_held_messages"); held != want {
		return fmt.Errorf("%v records are held, want %v", held, want)
	}
	return nil
}
