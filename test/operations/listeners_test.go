package operations

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/redis/go-redis/v9"

	"github.com/sluice-proxy/sluice/test/harness"
	"github.com/sluice-proxy/sluice/test/harness/harnesstest"
)

// Each listener of the Redis door answers in its own shape, so that the typed methods of a client work as they come. One
// may be a unix socket. All are one door: a consumer of one is known at the others.
func TestListenersOfTheRedisDoor(t *testing.T) {
	t.Parallel()
	ctx := harnesstest.Within(t, time.Minute)
	k := harnesstest.Fake(t, harness.FakeOptions{})
	harnesstest.Topic(t, ctx, k.Admin, "letters", 1)
	typed, slow := harnesstest.FreeAddr(t), harnesstest.FreeAddr(t)
	path := filepath.Join(t.TempDir(), "resp.sock")
	s := start(t, ctx, harness.SluiceOptions{Brokers: k.Brokers(), Args: []string{"--config", harnesstest.Config(t,
		"resp:",
		"  listeners:",
		"    typed: {address: '"+typed+"', reply: pair, ack: auto}",
		"    text: {address: '"+slow+"', reply: strings}",
		"    local: {address: 'unix:"+path+"'}",
	)}})
	if info, err := os.Stat(path); err != nil || info.Mode() != os.ModeSocket|0o660 {
		t.Errorf("%v, %v", info, err)
	}
	pair := redis.NewClient(&redis.Options{Addr: typed, ClientName: "app:typed"})
	t.Cleanup(func() { _ = pair.Close() })
	if err := pair.RPush(ctx, "topics:letters", "one", "two", "three").Err(); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"one", "two"} {
		got, err := pair.BLPop(ctx, 15*time.Second, "topics:letters").Result()
		if diff := cmp.Diff([]string{"topics:letters", want}, got); diff != "" || err != nil {
			t.Errorf("%v (-want +got):\n%s", err, diff)
		}
	}
	text := connect(t, ctx, slow, "other:w")
	for _, offset := range []string{"0", "1"} {
		if got, err := text.do("BLPOP", "topics:letters", "15"); err != nil || !strings.HasPrefix(fmt.Sprintf("%#v", got), `[]interface {}{"topic", "letters", "partition", "0", "offset", "`+offset+`"`) {
			t.Errorf("%#v, %v", got, err)
		}
	}
	local := redis.NewClient(&redis.Options{Network: "unix", Addr: path})
	t.Cleanup(func() { _ = local.Close() })
	if got, err := local.Do(ctx, "RPUSH", `acks:{"sluice.group":"other","sluice.name":"w"}`, "letters:0:1").Result(); got != int64(1) || err != nil {
		t.Errorf("acknowledged at another listener: %v, %v", got, err)
	}
	if info, err := local.Do(ctx, "CLIENT", "INFO").Text(); err != nil || !strings.Contains(info, "addr="+path+":0") {
		t.Errorf("%s, %v", info, err)
	}
	_, _ = pair.Close(), text.Close() // what they hold would be waited for
	if status, err := s.Stop(ctx); status != 0 || err != nil {
		t.Errorf("stopped: %d, %v", status, err)
	}
	if _, err := os.Stat(path); err == nil {
		t.Error("the socket is left behind")
	}
}

// systemd may open listeners, by their names. One that has neither an address nor a socket is a mistake that is named.
func TestListenersAreInherited(t *testing.T) {
	t.Parallel()
	ctx := harnesstest.Within(t, time.Minute)
	k := harnesstest.Fake(t, harness.FakeOptions{})
	tcp, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "s")
	local, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = tcp.Close(), local.Close() })
	config := harnesstest.Config(t, "resp: {listeners: {typed: {reply: pair, ack: auto}, local: {}}}")
	s := start(t, ctx, harness.SluiceOptions{Brokers: k.Brokers(), Args: []string{"--config", config}, Inherit: []harness.Inherited{
		{Name: "typed", Listener: tcp.(*net.TCPListener)}, {Name: "local", Listener: local.(*net.UnixListener)},
	}})
	c := redis.NewClient(&redis.Options{Network: "unix", Addr: path})
	t.Cleanup(func() { _ = c.Close() })
	if err := c.RPush(ctx, "topics:letters", "one").Err(); err != nil {
		t.Fatal(err)
	}
	if got, err := connect(t, ctx, tcp.Addr().String(), "app:w").do("BLPOP", "topics:letters", "15"); err != nil || fmt.Sprint(got) != "[topics:letters one]" {
		t.Errorf("%v, %v", got, err)
	}
	if !strings.Contains(s.Output(), `msg="door open" door=local address=`+path+` inherited=true`) {
		t.Errorf("the log does not tell:\n%s", s.Output())
	}
	out, err := exec.CommandContext(ctx, harnesstest.Binary(), "serve", "--brokers", "127.0.0.1:1", "--config", config).CombinedOutput()
	if want := "resp.listeners.local.address: none is given, and systemd has opened no socket with FileDescriptorName=local"; err == nil || !strings.Contains(string(out), want) {
		t.Errorf("%v: %s", err, out)
	}
}

// A listener's own ack_timeout is what its clients wait for the brokers.
func TestAListenerHasItsOwnPatience(t *testing.T) {
	t.Parallel()
	ctx := harnesstest.Within(t, time.Minute)
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = silent.Close() })
	quick := harnesstest.FreeAddr(t)
	start(t, ctx, harness.SluiceOptions{Brokers: []string{silent.Addr().String()}, Args: []string{"--config", harnesstest.Config(t,
		"resp: {listeners: {quick: {address: '"+quick+"', ack_timeout: 300ms}}}",
	)}})
	_, err = connect(t, ctx, quick, "").do("RPUSH", "topics:t", "x")
	if err == nil || !strings.HasPrefix(err.Error(), "PROD retry: topic t: not sent within 300ms") {
		t.Error(err)
	}
}

// Ten listeners, and a client at each.
func TestTenListeners(t *testing.T) {
	t.Parallel()
	ctx := harnesstest.Within(t, time.Minute)
	k := harnesstest.Fake(t, harness.FakeOptions{})
	lines := []string{"resp:", "  listeners:"}
	var addresses []string
	for i := range 10 {
		addresses = append(addresses, harnesstest.FreeAddr(t))
		lines = append(lines, fmt.Sprintf("    l%d: {address: '%s'}", i, addresses[i]))
	}
	s := start(t, ctx, harness.SluiceOptions{Brokers: k.Brokers(), Args: []string{"--config", harnesstest.Config(t, lines...)}})
	for _, addr := range append(addresses, s.Addr) {
		if got, err := connect(t, ctx, addr, "").do("RPUSH", "topics:letters", "x"); got != int64(1) || err != nil {
			t.Errorf("%s: %v, %v", addr, got, err)
		}
	}
}
