package main

import (
	"slices"
	"testing"
	"time"
)

// story is a history written by hand: every step is a second after the one before.
type story struct {
	history
	now int64
}

func (s *story) step(k kind, client string, conn int, at place, value string) *story {
	s.now += int64(time.Second)
	s.Events = append(s.Events, event{Time: s.now, Client: client, Conn: conn, Kind: k, At: at, Value: value})
	return s
}

func (s *story) sent(value string) *story {
	return s.step(sent, "p", 1, place{Topic: "t"}, value)
}

func (s *story) ok(value string) *story {
	return s.step(okay, "p", 1, place{Topic: "t"}, value)
}

func (s *story) refused(value string) *story {
	return s.step(refused, "p", 1, place{Topic: "t"}, value)
}

func (s *story) got(client string, conn int, offset int64) *story {
	return s.step(got, client, conn, place{"t", 0, offset}, valueAt(offset))
}

func (s *story) acking(client string, conn int, offset int64) *story {
	return s.step(acking, client, conn, place{"t", 0, offset}, "")
}

func (s *story) acked(client string, conn int, offset int64) *story {
	return s.acking(client, conn, offset).step(acked, client, conn, place{"t", 0, offset}, "")
}

// overHTTP says that the clients speak HTTP.
func (s *story) overHTTP() *story {
	s.Web = true
	return s
}

func (s *story) ackedOne(client string, conn int, offset int64) *story {
	at := place{"t", 0, offset}
	return s.step(ackingOne, client, conn, at, "").step(acked, client, conn, at, "")
}

// killed says that sluice was killed now, and that commits are older than bound.
func (s *story) killed(bound time.Duration) *story {
	s.now += int64(time.Second)
	s.Forgiven = append(s.Forgiven, span{s.now - int64(bound), s.now})
	s.BufferedMayVanish = true
	return s
}

// outage says that the log was replaced, which took d.
func (s *story) outage(d time.Duration) *story {
	s.now += int64(time.Second)
	s.Outages = append(s.Outages, span{s.now - int64(d), s.now})
	return s
}

// sentBad says that a record is sent which brokers must refuse.
func (s *story) sentBad(value string) *story {
	s.sent(value).Events[len(s.Events)-1].Text = bad
	return s
}

func (s *story) rejected(value string) *story {
	s.refused(value).Events[len(s.Events)-1].Text = "PROD rejected: topic t: Broker failed to validate record"
	return s
}

// gotOld says that a record of a log was handed out that is gone now.
func (s *story) gotOld(client string, conn int, offset int64) *story {
	return s.step(got, client, conn, place{"t", 0, offset}, oldAt(offset))
}

// gone says that there was another log before, with n records.
func (s *story) gone(n int) *story {
	for i := range int64(n) {
		s.Gone = append(s.Gone, stored{place: place{"t", 0, i}, Value: oldAt(i)})
	}
	return s
}

// deleted says that retention has taken the first n records, and how many sluice says it skipped.
func (s *story) deleted(n, skipped int) *story {
	s.Deleted, s.Log, s.Counted.Skipped = s.Log[:n], s.Log[n:], skipped
	return s
}

func oldAt(offset int64) string { return name(planter, int(offset)) }

// reset says that the group's position was reset.
func (s *story) reset() *story {
	s.Reset = true
	return s
}

// healthy says that nothing that happens may hurt the topic.
func (s *story) healthy() *story {
	s.Topics.Healthy = []string{"t"}
	return s
}

// inPartition adds a record to a partition.
func (s *story) inPartition(p int32, value string) *story {
	s.Log = append(s.Log, stored{place: place{"t", p, 0}, Key: "k", Value: value})
	return s
}

// topic says what is in partition 0.
func (s *story) topic(values ...string) *story {
	for i, v := range values {
		s.Log = append(s.Log, stored{place: place{"t", 0, int64(i)}, Key: "k", Value: v})
	}
	return s
}

// produced fills the topic with n records that were produced and answered properly.
func (s *story) produced(n int) *story {
	for i := range int64(n) {
		s.sent(valueAt(i)).ok(valueAt(i)).topicEnd(valueAt(i))
	}
	return s
}

func (s *story) topicEnd(value string) {
	s.Log = append(s.Log, stored{place: place{"t", 0, int64(len(s.Log))}, Key: "k", Value: value})
}

func valueAt(offset int64) string { return name("p", int(offset)) }

// rules are the names of the rules that the judge says were broken, each once.
func rules(v *verdict) []string {
	var all []string
	for _, b := range v.Broken {
		all = append(all, b.Rule)
	}
	slices.Sort(all)
	return all
}

func tell() *story { return &story{} }

func TestLongestGapIsMeasuredWithinTheLoad(t *testing.T) {
	load := span{10, 100}
	for _, test := range []struct {
		times []int64
		want  time.Duration
	}{
		{nil, 90},
		{[]int64{20, 50, 95}, 45},
		{[]int64{40, 50, 60, 70, 80, 90}, 30},
		{[]int64{20, 30}, 70},
		{[]int64{1, 2, 30, 60, 95, 500}, 35},
	} {
		if got := longestGap(load, test.times); got != test.want {
			t.Errorf("%v: %d, want %d", test.times, got, test.want)
		}
	}
}

func TestBreachKeepsTheFirstExamplesAndCountsAll(t *testing.T) {
	v := &verdict{}
	for i := range 100 {
		v.breach(ruleLost, "%d", i)
		v.breach(ruleTwice, "x")
	}
	b := v.rule(ruleLost)
	if len(v.Broken) != 2 || b.Times != 100 || len(b.Examples) != maxExamples || b.Examples[0] != "0" {
		t.Errorf("got %v", v.Broken)
	}
	if v.rule(ruleOrder) != nil {
		t.Error("a rule is broken that nobody broke")
	}
}
