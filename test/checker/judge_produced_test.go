package main

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestProducedHistories(t *testing.T) {
	tests := map[string]struct {
		story *story
		want  []string
		row   row
	}{
		"all is well": {
			tell().sent("p/0").sent("p/1").ok("p/0").ok("p/1").topic("p/0", "p/1"), nil,
			row{Operations: 2, OK: 2},
		},
		"answered and gone": {
			tell().sent("p/0").sent("p/1").ok("p/0").ok("p/1").topic("p/1"),
			[]string{ruleLost},
			row{Operations: 2, OK: 2, Lost: 1},
		},
		"not answered and gone": {
			tell().sent("p/0").sent("p/1").ok("p/1").topic("p/1"), nil,
			row{Operations: 2, OK: 1, Unknown: 1},
		},
		"not answered and there": {
			tell().sent("p/0").sent("p/1").ok("p/1").topic("p/0", "p/1"), nil,
			row{Operations: 2, OK: 1, Unknown: 1},
		},
		"answered with nonsense": {
			tell().sent("p/0").step(trouble, "p", 1, place{Topic: "t"}, "p/0").topic(), nil,
			row{Operations: 1, Unknown: 1},
		},
		"refused and not there": {
			tell().sent("p/0").refused("p/0").topic(), nil,
			row{Operations: 1, Refused: 1},
		},
		"refused and there": {
			tell().sent("p/0").refused("p/0").topic("p/0"),
			[]string{ruleRefused},
			row{Operations: 1, Refused: 1},
		},
		"there twice": {
			tell().sent("p/0").ok("p/0").topic("p/0", "p/0"),
			[]string{ruleTwice},
			row{Operations: 1, OK: 1, Duplicated: 1},
		},
		"there and never sent": {
			tell().sent("p/0").ok("p/0").topic("p/0", "p/7"),
			[]string{rulePhantom},
			row{Operations: 1, OK: 1},
		},
		"in the wrong order": {
			tell().sent("p/0").sent("p/1").ok("p/0").ok("p/1").topic("p/1", "p/0"),
			[]string{ruleOrder},
			row{Operations: 2, OK: 2, Disordered: 1},
		},
		"in the wrong order, but of one nobody said it was written": {
			tell().sent("p/0").sent("p/1").ok("p/1").topic("p/1", "p/0"), nil,
			row{Operations: 2, OK: 1, Unknown: 1},
		},
		"the order of two producers is nobody's business": {
			tell().sent("p/0").sent("p/1").ok("p/0").ok("p/1").sent("q/0").ok("q/0").topic("p/0", "q/0", "p/1"), nil,
			row{Operations: 3, OK: 3},
		},
		"in the order of each partition": {
			tell().sent("p/0").ok("p/0").sent("p/1").ok("p/1").inPartition(0, "p/1").inPartition(1, "p/0"), nil,
			row{Operations: 2, OK: 2},
		},
		"a bad one rejected": {
			tell().sentBad("p/0").rejected("p/0").topic(), nil,
			row{Operations: 1, Refused: 1},
		},
		"a good one rejected": {
			tell().sent("p/0").rejected("p/0").topic(),
			[]string{ruleInnocent},
			row{Operations: 1, Wrongly: 1},
		},
		"written past sluice": {
			tell().sent("p/0").ok("p/0").topic("kafka/0", "p/0"), nil,
			row{Operations: 1, OK: 1},
		},
		"with what makes it large": {
			tell().sent("p/0/x").ok("p/0/x").sent("p/1/x").ok("p/1/x").topic("p/1/x", "p/0/x"),
			[]string{ruleOrder},
			row{Operations: 2, OK: 2, Disordered: 1},
		},
		"a healthy topic's, to be sent again": {
			tell().healthy().sent("p/0").refused("p/0").topic(),
			[]string{ruleBystander},
			row{Operations: 1, Refused: 1},
		},
		"a healthy topic's, without an end": {
			tell().healthy().sent("p/0").topic(),
			[]string{ruleBystander},
			row{Operations: 1, Unknown: 1},
		},
		"a healthy topic's bad one": {
			tell().healthy().sentBad("p/0").rejected("p/0").topic(), nil,
			row{Operations: 1, Refused: 1},
		},
		"answered twice": {
			tell().ok("p/0").topic(), []string{ruleNotStarted}, row{},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			v := &verdict{}
			judgeProduced(&test.story.history, v)
			if diff := cmp.Diff(test.want, rules(v)); diff != "" {
				t.Errorf("broken rules (-want +got):\n%s", diff)
			}
			if test.row == (row{}) {
				return
			}
			test.row.Path = "RPUSH"
			v.Rows[0].Stall = 0
			if diff := cmp.Diff([]row{test.row}, v.Rows); diff != "" {
				t.Errorf("row (-want +got):\n%s", diff)
			}
		})
	}
}

func TestBufferedRecordsMayVanishOnlyWithSluice(t *testing.T) {
	lost := func() *story {
		s := tell().sent("p/0").ok("p/0").topic()
		s.Topics.Buffered = "t"
		return s
	}
	v := judge(&lost().history)
	if diff := cmp.Diff([]string{ruleLost}, rules(v)); diff != "" {
		t.Errorf("without a kill (-want +got):\n%s", diff)
	}
	v = judge(&lost().killed(time.Second).history)
	if len(v.Broken) > 0 || v.Rows[0].Lost != 1 || v.Rows[0].Path != "RPUSHX" {
		t.Errorf("after a kill: %v, %v: want it counted and forgiven", v.Broken, v.Rows)
	}
}

func TestWhatSluiceSaysItFailedIsNoSilentLoss(t *testing.T) {
	judged := func(buffered string, failed int) *verdict {
		s := tell().sent("p/0").sent("p/1").sent("p/2").ok("p/0").ok("p/1").ok("p/2").topic("p/2", "p/2")
		s.Topics.Buffered, s.Counted.Failed = buffered, failed
		v := &verdict{}
		judgeProduced(&s.history, v)
		return v
	}
	if v := judged("t", 2); len(v.Broken) > 0 || v.Rows[0].Lost != 2 || v.Rows[0].Duplicated != 1 {
		t.Errorf("two said to have failed, two lost: %v, %v", v.Broken, v.Rows)
	}
	if v := judged("t", 1); v.rule(ruleLost) == nil || v.rule(ruleLost).Times != 1 {
		t.Errorf("one said to have failed, two lost: %v", v.Broken)
	}
	if v := judged("", 2); v.rule(ruleLost) == nil || v.rule(ruleLost).Times != 2 {
		t.Errorf("nothing excuses the loss of a delivered record that was answered: %v", v.Broken)
	}
}

func TestBufferedRecordsThatWereRejected(t *testing.T) {
	judged := func(s *story, count int) *verdict {
		s.Topics.Buffered, s.Counted.Failed, s.Counted.Rejected = "t", count, count
		v := &verdict{}
		judgeProduced(&s.history, v)
		v.Rows[0].Stall, v.Rows[0].Path = 0, ""
		return v
	}
	bad := func() *story { return tell().sentBad("p/0").ok("p/0").sent("p/1").ok("p/1") }
	for name, test := range map[string]struct {
		verdict *verdict
		want    []string
		row     row
	}{
		"the bad one": {judged(bad().topic("p/1"), 1), nil, row{Operations: 2, OK: 1, Refused: 1}},
		"a good one as well": {
			judged(bad().topic(), 2),
			[]string{ruleInnocent},
			row{Operations: 2, OK: 1, Refused: 1, Wrongly: 1},
		},
		"a good one failed otherwise": {
			judged(bad().healthy().topic(), 1),
			[]string{ruleLost},
			row{Operations: 2, OK: 1, Refused: 1, Lost: 1},
		},
	} {
		if diff := cmp.Diff(test.want, rules(test.verdict)); diff != "" {
			t.Errorf("%s: broken rules (-want +got):\n%s", name, diff)
		}
		if diff := cmp.Diff([]row{test.row}, test.verdict.Rows); diff != "" {
			t.Errorf("%s: row (-want +got):\n%s", name, diff)
		}
	}
}

// What others get themselves into is of no matter, and excuses nothing.
func TestSickTopicsAreNotJudged(t *testing.T) {
	s := tell().sent("p/0").ok("p/0").topic()
	s.Topics.Sick = []string{"t"}
	if v := judge(&s.history); len(v.Rows)+len(v.Broken) > 0 {
		t.Errorf("%v, %v", v.Rows, v.Broken)
	}
}
