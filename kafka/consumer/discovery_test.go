package consumer

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"

	"github.com/sluice-proxy/sluice/kafka/config"
	"github.com/sluice-proxy/sluice/kafka/kafkatest"
	"github.com/sluice-proxy/sluice/kafka/topicset"
)

// lettered is a sorted list of about so many topic names.
func lettered(n int) []string {
	var names []string
	for i := range n {
		names = append(names, "topic-"+strings.Repeat("a", i%200)+string(rune('a'+i%26))+"-"+strings.Repeat("b", i/200))
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// A cheap pattern does not wait until a costly one has seen all names. It has its turn after one slice.
func TestCheapPatternsDoNotWaitForCostlyOnes(t *testing.T) {
	t.Parallel()
	d := &discovery{groups: &Groups{}, searches: map[*subscription]*search{}, names: lettered(20_000)}
	add := func(text string) *subscription {
		set, err := topicset.New([]string{text})
		if err != nil {
			t.Fatal(err)
		}
		s := &subscription{description: description{group: text, topicSet: set}, sharedState: sharedState{commands: commands{ended: true}}}
		d.searches[s] = &search{rest: d.names, changed: true}
		return s
	}
	costly := add("^topic-(" + strings.Repeat("a?b?", 120) + ")+z")
	d.look()
	cheap := add("^topic-.*-b$")
	for !done(cheap) {
		if !d.look() {
			t.Fatal("nothing is left to look at")
		}
	}
	if done(costly) {
		t.Error("the costly one was looked for first")
	}
	if got := len(cheap.topicSet.Matched()); got != 200 {
		t.Errorf("%d topics match", got)
	}
}

func done(s *subscription) bool {
	select {
	case <-s.topicSet.First:
		return true
	default:
		return false
	}
}

// A topic that is gone is not subscribed to any more. A topic that comes again is found again. Both hold with both
// protocols of groups.
func TestAPatternLetsGoOfTopicsThatAreGone(t *testing.T) {
	t.Parallel()
	for _, protocol := range []string{"classic", "consumer"} {
		t.Run(protocol, func(t *testing.T) {
			t.Parallel()
			k := kafkatest.Brokers(t, kfake.SeedTopics(1, "letters-a", "letters-b", "parcels"))
			c := openOn(t, k.ListenAddrs(), func(cfg *config.Config) {
				cfg.Consumer = config.Properties{"topic.metadata.refresh.interval.ms": "100"}
			})
			in := topicsOf("^letters-.$")
			in.Overrides = config.Properties{"group.protocol": protocol}
			w := join(t, c, "a", in)
			finds(t, w, "letters-a", "letters-b")
			if err := k.DeleteTopic("letters-a"); err != nil {
				t.Fatal(err)
			}
			finds(t, w, "letters-b")
			if err := k.CreateTopic("letters-a", 1, nil); err != nil {
				t.Fatal(err)
			}
			finds(t, w, "letters-a", "letters-b")
		})
	}
}

// finds waits until the member is subscribed to these topics, and has their partitions.
func finds(t *testing.T, w *worker, want ...string) {
	t.Helper()
	kafkatest.Eventually(t, strings.Join(want, ","), func() bool {
		var got []string
		for _, tp := range w.Assigned() {
			got = append(got, tp.Topic)
		}
		topics, err := w.Topics(t.Context())
		return err == nil && slices.Equal(got, want) && slices.Equal(topics, want)
	})
}

// The discovery ends with the last subscription that has patterns, and begins again with the next.
func TestTheDiscoveryEndsWithItsPatterns(t *testing.T) {
	t.Parallel()
	p := kafkatest.NewPulse(t)
	k := kafkatest.Brokers(t, kfake.SeedTopics(1, "letters"))
	c := openOn(t, k.ListenAddrs(), func(cfg *config.Config) {
		cfg.Register, cfg.Consume.Linger, cfg.Consume.MemberGrace = p.Register, time.Millisecond, time.Millisecond
	})
	for range 2 {
		w := join(t, c, "a", topicsOf("^lett.*"))
		kafkatest.Eventually(t, "a discovery", func() bool { return slices.Contains(p.Running(), "patterns") })
		kafkatest.Eventually(t, "the topic", func() bool { return len(w.Assigned()) == 1 })
		w.Leave(true)
		kafkatest.Eventually(t, "no discovery", func() bool { return !slices.Contains(p.Running(), "patterns") })
	}
	p.WantInTime(t)
}

func TestAClientsPatternsReachNoMatcherOfCs(t *testing.T) {
	t.Parallel()
	k := kafkatest.Brokers(t, kfake.SeedTopics(1, "letters"))
	c := openOn(t, k.ListenAddrs(), nil)
	tooLong := `^` + strings.Repeat("a", topicset.LongestPattern+len(topicset.WholeName))
	for _, expression := range append(slices.Clone(kafkatest.HostilePatterns), tooLong) {
		if _, err := c.Join(Identity{"g", "a"}, topicsOf(expression), func() {}); err == nil {
			t.Errorf("%.40s was taken", expression)
		}
		_, _, err := config.Properties{"topic.blacklist": expression}.OfClient()
		if err == nil || !strings.HasSuffix(err.Error(), "it is the operator's to set, in sluice's configuration") {
			t.Errorf("topic.blacklist of %.40s: %v", expression, err)
		}
	}
}
