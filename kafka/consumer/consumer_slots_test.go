package consumer

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/sluice-proxy/sluice/kafka/config"
	"github.com/sluice-proxy/sluice/kafka/kafkatest"
	"github.com/sluice-proxy/sluice/kafka/kerr"
)

// crowded is an engine that may have so many subscriptions. Its members never come back by themselves.
func crowded(t *testing.T, most int) (*kfake.Cluster, *engine) {
	return lettersOn(t, 1, func(cfg *config.Config) {
		cfg.Consume.MaxSubscriptions, cfg.Consume.Linger, cfg.Consume.MemberGrace = most, time.Hour, time.Hour
	})
}

// tryFrom joins a group from an address, "" for none.
func tryFrom(c *engine, address, group string, wake func()) (*Member, error) {
	in := topicsOf("letters")
	if address != "" {
		in.Address = netip.MustParseAddr(address)
	}
	return c.Join(Identity{group, "a"}, in, wake)
}

// enter joins, and waits while room is to come soon, as a door does.
func enter(t *testing.T, c *engine, address, group string) *Member {
	t.Helper()
	m, err := waitFrom(c, address, group)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func waitFrom(c *engine, address, group string) (*Member, error) {
	woken := kafkatest.NewBell()
	for {
		m, err := tryFrom(c, address, group, woken.Ring)
		var full *CrowdedError
		if !errors.As(err, &full) || !full.Soon {
			return m, err
		}
		select {
		case <-woken:
		case <-time.After(kafkatest.Patience):
			return nil, errors.New("waited in vain for room")
		}
	}
}

// refused expects that no room is to come soon, and that the error says why.
func refused(t *testing.T, c *engine, address, group string, words ...string) {
	t.Helper()
	_, err := tryFrom(c, address, group, func() {})
	var full *CrowdedError
	if !errors.As(err, &full) || !errors.Is(err, kerr.ErrTooMany) || full.Soon {
		t.Fatalf("%s from %q: %v", group, address, err)
	}
	for _, word := range append(words, "consume.max_subscriptions", "half", "raise it") {
		if !strings.Contains(err.Error(), word) {
			t.Errorf("%v says nothing of %s", err, word)
		}
	}
}

func (c *engine) groupNames() (names []string) {
	for _, s := range c.open() {
		names = append(names, s.group)
	}
	return names
}

func TestSubscriptionsWithoutMembersMakeRoom(t *testing.T) {
	t.Parallel()
	_, c := crowded(t, 3)
	for _, group := range []string{"b", "a"} {
		enter(t, c, "", group).Leave(true)
	}
	stays := enter(t, c, "", "c")
	first := enter(t, c, "", "d")
	if got := fmt.Sprint(c.groupNames()); got != "[a c d]" {
		t.Errorf("%s are open: b was without members for longer than a", got)
	}
	enter(t, c, "", "e")
	refused(t, c, "", "f", "3 subscriptions have members")
	first.Leave(true)
	enter(t, c, "", "f")
	if got := fmt.Sprint(c.groupNames()); got != "[c e f]" || stays.Broken() {
		t.Errorf("%s are open", got)
	}
	if _, err := tryFrom(c, "", "c", func() {}); !isTaken(err) {
		t.Errorf("a group that is open needs no room: %v", err)
	}
}

func TestAMemberThatMayComeBackKeepsItsPlace(t *testing.T) {
	t.Parallel()
	_, c := crowded(t, 1)
	w := join(t, c, "a", topicsOf("letters"))
	w.take(t, 1)
	w.Leave(false)
	refused(t, c, "", "b")
	join(t, c, "a", topicsOf("letters")).Leave(true)
	enter(t, c, "", "b")
}

func TestAnAddressMayHoldHalf(t *testing.T) {
	t.Parallel()
	const one, other = "10.0.0.1", "10.0.0.2"
	_, c := crowded(t, 5)
	enter(t, c, one, "a")
	gone := enter(t, c, "::ffff:"+one, "b") // the same address in other words
	refused(t, c, one, "c", "10.0.0.1 have 2", "half of 5")
	idle := enter(t, c, other, "c")
	idle.Leave(true)
	gone.Leave(true)
	enter(t, c, one, "d") // in the place of the subscription that this address has left
	if got := fmt.Sprint(c.groupNames()); got != "[a c d]" {
		t.Errorf("%s are open", got)
	}
	enter(t, c, one, "c").Leave(true) // the subscription is open already
	enter(t, c, "127.0.0.1", "e")
	enter(t, c, "::1", "f") // no bound for this machine
	enter(t, c, "", "g")    // nor for unix sockets; the subscription of c had to end
	refused(t, c, "127.0.0.1", "h", "5 subscriptions have members")
	if got := fmt.Sprint(c.groupNames()); got != "[a d e f g]" {
		t.Errorf("%s are open", got)
	}
}

func TestWhatCountsAsOneAddress(t *testing.T) {
	for at, want := range map[string]string{
		"10.0.0.1": "10.0.0.1", "::ffff:10.0.0.1": "10.0.0.1", "2001:db8:1:2:3:4:5:6": "2001:db8:1:2::/64", "fe80::1%eth0": "fe80::/64",
		"127.0.0.9": "", "::1": "", "::ffff:127.0.0.1": "",
	} {
		got := ""
		if p := clientPrefix(netip.MustParseAddr(at)); p.IsValid() {
			got = addressText(p)
		}
		if got != want {
			t.Errorf("%s counts as %q, want %q", at, got, want)
		}
	}
	if clientPrefix(netip.Addr{}).IsValid() {
		t.Error("no address counts as one")
	}
}

// A consumer keeps its slot until it has left its group. Otherwise consumers that come and go would become more and
// more.
func TestAConsumerThatLeavesKeepsItsPlace(t *testing.T) {
	t.Parallel()
	k, c := crowded(t, 1)
	free := make(chan struct{})
	asked := kafkatest.NewBell()
	k.ControlKey(int16(kmsg.LeaveGroup), func(kmsg.Request) (kmsg.Response, error, bool) {
		k.SleepControl(func() {
			asked.Ring()
			<-free
		})
		return nil, nil, false
	})
	old := enter(t, c, "", "a")
	waitGroupOf(t, k, "a")
	old.Leave(true)
	woken := kafkatest.NewBell()
	soon := func() {
		t.Helper()
		_, err := tryFrom(c, "", "b", woken.Ring)
		var full *CrowdedError
		if !errors.As(err, &full) || !full.Soon || !strings.Contains(err.Error(), "try again") {
			t.Fatal(err)
		}
	}
	soon()
	kafkatest.Await(t, asked, "the end of the first")
	soon()
	close(free)
	kafkatest.Await(t, woken, "room")
	if _, err := tryFrom(c, "", "b", woken.Ring); err != nil {
		t.Error(err)
	}
}

// waitGroupOf waits until a group has a member.
func waitGroupOf(t *testing.T, k *kfake.Cluster, group string) {
	t.Helper()
	kafkatest.Eventually(t, "a member", func() bool { g := k.GroupInfo(group); return g != nil && len(g.Members) == 1 && g.State == "Stable" })
}

// Names come and go at a high rate. There are never more consumers than allowed, and every name joins.
func TestManyNamesThatComeAndGo(t *testing.T) {
	t.Parallel()
	const most, clients, visits = 4, 6, 6
	_, c := crowded(t, most)
	var running sync.WaitGroup
	for i := range clients {
		running.Go(func() {
			for n := range visits {
				m, err := waitFrom(c, "", fmt.Sprintf("g%d-%d", i, n))
				if err != nil {
					t.Error(err)
					return
				}
				c.mu.Lock()
				if n := len(c.slots.all); n > most {
					t.Errorf("%d consumers", n)
				}
				c.mu.Unlock()
				m.Leave(true)
			}
		})
	}
	running.Wait()
	c.mu.Lock()
	defer c.mu.Unlock()
	if n := len(c.slots.waiting); n > clients {
		t.Errorf("%d wait for room, and all have had theirs", n)
	}
}
