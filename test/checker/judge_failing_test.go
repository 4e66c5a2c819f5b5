package main

import (
	"math/rand/v2"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// failing fills the topic with records of one key, which have these fates.
func (s *story) failing(fates ...string) *story {
	s.Given, s.Reset = &given{}, true
	for i, f := range fates {
		s.Log = append(s.Log, stored{place: place{"t", 0, int64(i)}, Key: "k", Value: "k." + strconv.Itoa(i) + "." + f})
	}
	return s
}

// lent says that a record was handed out with an attempt.
func (s *story) lent(client string, offset int64, attempt int) *story {
	s.step(got, client, 1, place{"t", 0, offset}, s.Log[offset].Value)
	s.Events[len(s.Events)-1].Text = strconv.Itoa(attempt)
	return s
}

// accepted says that one record was accepted.
func (s *story) accepted(client string, offset int64) *story { return s.ackedOne(client, 1, offset) }

// fails says that a failure was reported, and answered.
func (s *story) fails(client string, offset int64) *story {
	at := place{"t", 0, offset}
	return s.step(failing, client, 1, at, "").step(failed, client, 1, at, "")
}

// rejects says that a record was rejected, and answered.
func (s *story) rejects(client string, offset int64) *story {
	s.ackedOne(client, 1, offset)
	for i := range 2 {
		s.Events[len(s.Events)-1-i].Text = string(reject)
	}
	return s
}

// dead says that there is a dead letter, sent just now.
func (s *story) dead(offset int64, reason string, attempts int) *story {
	r := s.Log[offset]
	s.Given.Letters = append(s.Given.Letters, letter{
		Of: r.place, Time: s.now, Key: r.Key, Value: r.Value, Reason: reason, Class: "Deadlock", Attempts: attempts,
	})
	return s.step(ackingOne, undertaker, 0, r.place, "").step(acked, undertaker, 0, r.place, "")
}

// stirred says that something went wrong around now.
func (s *story) stirred() *story {
	s.Given.Stirred = append(s.Given.Stirred, span{s.now - int64(time.Second), s.now + int64(time.Second)})
	return s
}

// untilDead fails a record as often as the policy lets it be tried, and writes its dead letter.
func (s *story) untilDead(offset int64) *story {
	for n := range 1 + mostRetries {
		s.lent("c", offset, 1+n).fails("c", offset)
	}
	return s.dead(offset, "retries_exhausted", 1+mostRetries)
}

func TestHistoriesOfRecordsThatFail(t *testing.T) {
	const exhausted = "retries_exhausted"
	again := []string{ruleAckedAgain}
	for name, test := range map[string]struct {
		story *story
		want  []string
	}{
		"fails once":      {tell().failing("fails.1").lent("c", 0, 1).fails("c", 0).lent("c", 0, 2).accepted("c", 0), nil},
		"a poison record": {tell().failing("poison.0", "good.0").untilDead(0).lent("c", 1, 1).accepted("c", 1), nil},
		"rejected":        {tell().failing("hopeless.0").lent("c", 0, 1).rejects("c", 0).dead(0, "rejected", 1), nil},
		"dies twice": {
			tell().failing("deadly.1", "deadly.1").lent("c", 0, 1).step(died, "c", 1, place{"t", 0, 0}, "").lent("c", 0, 2).accepted("c", 0).
				lent("c", 1, 1).step(died, "c", 1, place{"t", 0, 1}, "").lent("d", 1, 2).accepted("d", 1), nil,
		},
		"attempts are forgotten": {
			tell().failing("fails.1").lent("c", 0, 1).fails("c", 0).lent("c", 0, 1).accepted("c", 0), []string{ruleAttempt},
		},
		"attempts are counted twice": {
			tell().failing("fails.1").lent("c", 0, 1).fails("c", 0).lent("c", 0, 3).accepted("c", 0), []string{ruleAttempt},
		},
		"a failure is forgotten that was answered just before a kill": {
			tell().failing("fails.1").lent("c", 0, 1).fails("c", 0).killed(time.Second+commitBound).lent("c", 0, 1).accepted("c", 0), nil,
		},
		"and it is not": {
			tell().failing("fails.1").lent("c", 0, 1).fails("c", 0).killed(time.Second+commitBound).lent("c", 0, 2).accepted("c", 0), nil,
		},
		"a failure is forgotten that is older": {
			tell().failing("fails.1", "good.0").lent("c", 0, 1).fails("c", 0).killed(commitBound).lent("c", 0, 1).accepted("c", 0).
				lent("c", 1, 1).accepted("c", 1), []string{ruleAttempt},
		},
		"what was known after a kill is forgotten later": {
			tell().failing("fails.1").lent("c", 0, 1).fails("c", 0).killed(time.Second+commitBound).lent("c", 0, 2).lent("c", 0, 1).accepted("c", 0),
			[]string{ruleAttempt},
		},
		"a report without an answer may count": {
			tell().failing("fails.1").lent("c", 0, 1).step(failing, "c", 1, place{"t", 0, 0}, "").lent("c", 0, 2).accepted("c", 0), nil,
		},
		"or not": {
			tell().failing("fails.1").lent("c", 0, 1).step(failing, "c", 1, place{"t", 0, 0}, "").lent("c", 0, 1).accepted("c", 0), nil,
		},
		"a report that was stale does not count": {
			tell().failing("fails.1").lent("c", 0, 1).step(failing, "c", 1, place{"t", 0, 0}, "").step(unheld, "c", 1, place{"t", 0, 0}, "").
				lent("c", 0, 2).accepted("c", 0), []string{ruleAttempt},
		},
		"a lease may have ended of a worker that was kept waiting": {
			tell().overHTTP().failing("good.0").lent("c", 0, 1).lent("c", 0, 2).accepted("c", 0), nil,
		},
		"and of none that has reported, which is forgotten": {
			tell().overHTTP().failing("fails.1").lent("c", 0, 1).fails("c", 0).lent("c", 0, 1).accepted("c", 0), []string{ruleAttempt},
		},
		"one passes its key's failing one": {
			tell().failing("fails.1", "good.0").lent("c", 0, 1).fails("c", 0).lent("d", 1, 1).accepted("d", 1).lent("c", 0, 2).accepted("c", 0),
			[]string{ruleKeyOrder},
		},
		"one passes its key's dead one before the letter": {
			tell().failing("poison.0", "good.0").lent("c", 0, 1).fails("c", 0).lent("c", 0, 2).fails("c", 0).lent("c", 0, 3).fails("c", 0).
				lent("c", 0, 4).fails("c", 0).lent("c", 1, 1).accepted("c", 1).dead(0, exhausted, 4), []string{ruleKeyOrder},
		},
		"no dead letter": {
			tell().failing("poison.0").lent("c", 0, 1).fails("c", 0).lent("c", 0, 2).accepted("c", 0), []string{ruleNoLetter},
		},
		"rejected, and no dead letter": {tell().failing("hopeless.0").lent("c", 0, 1).rejects("c", 0), []string{ruleNoLetter}},
		"two dead letters":             {tell().failing("poison.0").untilDead(0).dead(0, exhausted, 4), []string{ruleLetterTwice}},
		"two dead letters around a fault": {
			tell().failing("poison.0").untilDead(0).stirred().dead(0, exhausted, 4), nil,
		},
		"a dead record comes again": {tell().failing("poison.0").untilDead(0).lent("c", 0, 5), again},
		"dead too early": {
			tell().failing("poison.0").lent("c", 0, 1).fails("c", 0).dead(0, exhausted, 1), []string{ruleAttempt},
		},
		"a letter that counts wrongly": {
			tell().failing("hopeless.0").lent("c", 0, 1).rejects("c", 0).dead(0, "rejected", 3), []string{ruleAttempt},
		},
		"a letter that says another reason": {
			tell().failing("hopeless.0").lent("c", 0, 1).rejects("c", 0).dead(0, exhausted, 1), []string{ruleWrongLetter},
		},
		"a dead letter of a record that was accepted": {
			tell().failing("fails.1").lent("c", 0, 1).fails("c", 0).lent("c", 0, 2).accepted("c", 0).dead(0, exhausted, 1), []string{ruleLetterUseful},
		},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, rules(judge(&test.story.history))); diff != "" {
				t.Errorf("broken rules (-want +got):\n%s", diff)
			}
		})
	}
}

// A worker's death counts on the oldest record that it holds of a partition.
func TestADeathCountsOnTheOldestRecord(t *testing.T) {
	two := func() *story {
		s := tell().failing("good.0", "deadly.1")
		s.Log[1].Key, s.Log[1].Value = "l", "l.0.deadly.1"
		return s.lent("c", 0, 1).lent("c", 1, 1).step(died, "c", 1, place{"t", 0, 1}, "")
	}
	right := two().lent("c", 0, 2).accepted("c", 0).lent("c", 1, 1).accepted("c", 1)
	wrong := two().lent("c", 0, 1).accepted("c", 0).lent("c", 1, 2).accepted("c", 1)
	if broken := rules(judge(&right.history)); broken != nil {
		t.Error(broken)
	}
	if diff := cmp.Diff([]string{ruleAttempt}, rules(judge(&wrong.history))); diff != "" {
		t.Error(diff)
	}
}

func TestAnAuthorsRecordsSayWhatHappens(t *testing.T) {
	a := &author{rand: rand.New(rand.NewPCG(1, 1)), lots: map[fate]int{fails: 300, poison: 200}, count: make([]int, 1000)}
	seen, next := map[fate]int{}, map[string]int{}
	for range 10_000 {
		s := a.next()
		if again, err := parseScript(s.String()); err != nil || again != s || s.n != next[s.key] {
			t.Fatalf("%+v: %+v, %v", s, again, err)
		}
		next[s.key]++
		seen[s.fate]++
		if s.fate == fails && (s.times < 1 || s.times > mostRetries) {
			t.Fatalf("%+v", s)
		}
	}
	if len(seen) != 3 || seen[fails] < 2500 || seen[poison] < 1500 {
		t.Error(seen)
	}
	if _, err := parseScript("k.1.good"); err == nil {
		t.Error("a value without times is a script")
	}
}
