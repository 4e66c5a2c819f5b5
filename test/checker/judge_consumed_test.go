package main

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestConsumedHistories(t *testing.T) {
	const bound = 1500 * time.Millisecond
	tests := map[string]consumedTest{
		"each acknowledged": {
			tell().produced(2).got("c", 1, 0).acked("c", 1, 0).got("c", 1, 1).acked("c", 1, 1), nil,
			row{Operations: 2, OK: 2},
		},
		"one acknowledgement for all": {
			tell().produced(3).got("c", 1, 0).got("c", 1, 1).got("c", 1, 2).acked("c", 1, 2), nil,
			row{Operations: 3, OK: 3},
		},
		"one never came": {
			tell().produced(2).got("c", 1, 0).acked("c", 1, 0),
			[]string{ruleNeverCame},
			row{Operations: 1, OK: 1, Lost: 1},
		},
		"one was skipped, and the acknowledgement after it does not cover it": {
			tell().produced(3).got("c", 1, 0).got("c", 1, 2).acked("c", 1, 2),
			[]string{ruleNeverCame},
			row{Operations: 2, OK: 2, Lost: 1},
		},
		"one did not come again": {
			tell().produced(2).got("c", 1, 0).got("d", 1, 1).acked("d", 1, 1),
			[]string{ruleNotAgain},
			row{Operations: 2, OK: 1, Lost: 1},
		},
		"an acknowledgement covers only what its own connection was handed": {
			tell().produced(2).got("c", 1, 0).got("c", 2, 1).acked("c", 2, 1),
			[]string{ruleNotAgain},
			row{Operations: 2, OK: 1, Lost: 1},
		},
		"it came again to another client": {
			tell().produced(1).got("c", 1, 0).got("d", 1, 0).acked("d", 1, 0), nil,
			row{Operations: 2, OK: 1, Again: 1},
		},
		"an acknowledgement without an answer may count": {
			tell().produced(1).got("c", 1, 0).acking("c", 1, 0), nil,
			row{Operations: 1, Unknown: 1},
		},
		"and may not count": {
			tell().produced(1).got("c", 1, 0).acking("c", 1, 0).got("d", 1, 0).acked("d", 1, 0), nil,
			row{Operations: 2, OK: 1, Again: 1},
		},
		"a stale acknowledgement does not count": {
			tell().produced(1).got("c", 1, 0).acking("c", 1, 0).step(stale, "c", 1, place{"t", 0, 0}, ""),
			[]string{ruleNotAgain},
			row{Operations: 1, Lost: 1},
		},
		"acknowledged, and came again": {
			tell().produced(1).got("c", 1, 0).acked("c", 1, 0).got("d", 1, 0).acked("d", 1, 0),
			[]string{ruleAckedAgain},
			row{Operations: 2, OK: 1, Duplicated: 1},
		},
		"acknowledged just before a kill, and came again": {
			tell().produced(1).got("c", 1, 0).acked("c", 1, 0).killed(bound).got("d", 1, 0).acked("d", 1, 0), nil,
			row{Operations: 2, OK: 1, Duplicated: 1},
		},
		"acknowledged long before a kill, and came again": {
			tell().produced(2).got("c", 1, 0).acked("c", 1, 0).got("c", 1, 1).killed(bound).
				got("d", 1, 0).got("d", 1, 1).acked("d", 1, 1),
			[]string{ruleAckedAgain},
			row{Operations: 4, OK: 2, Duplicated: 1, Again: 1},
		},
		"came again before the kill that would excuse it": {
			tell().produced(1).got("c", 1, 0).acked("c", 1, 0).got("d", 1, 0).killed(5 * time.Second),
			[]string{ruleAckedAgain},
			row{Operations: 2, OK: 1, Duplicated: 1},
		},
		"a kill excuses nothing that is acknowledged after it": {
			tell().produced(1).got("c", 1, 0).killed(bound).got("c", 2, 0).acked("c", 2, 0).got("d", 1, 0),
			[]string{ruleAckedAgain},
			row{Operations: 3, OK: 1, Duplicated: 1, Again: 1},
		},
		"backwards on one connection": {
			tell().produced(2).got("c", 1, 0).got("c", 1, 1).got("c", 1, 0).acked("c", 1, 1),
			[]string{ruleBackwards},
			row{Operations: 3, OK: 2, Disordered: 1, Again: 1},
		},
		"again from the lowest on the next connection": {
			tell().produced(2).got("c", 1, 0).got("c", 1, 1).got("c", 2, 0).got("c", 2, 1).acked("c", 2, 1), nil,
			row{Operations: 4, OK: 2, Again: 2},
		},
		"a later one first": {
			tell().produced(2).got("c", 1, 1).got("d", 1, 0).acked("c", 1, 1).acked("d", 1, 0),
			[]string{ruleFirstOrder},
			row{Operations: 2, OK: 2, Disordered: 1},
		},
		"of leases no order is promised": {
			tell().overHTTP().produced(2).got("c", 1, 1).got("c", 1, 0).ackedOne("c", 1, 1).ackedOne("c", 1, 0), nil,
			row{Path: "take", Operations: 2, OK: 2},
		},
		"the acknowledgement of a lease covers one record": {
			tell().overHTTP().produced(2).got("c", 1, 0).got("c", 1, 1).ackedOne("c", 1, 1),
			[]string{ruleNotAgain},
			row{Path: "take", Operations: 2, OK: 1, Lost: 1},
		},
		"acknowledged beyond a gap, and came again after a kill": {
			tell().overHTTP().produced(3).got("c", 1, 0).got("c", 1, 1).ackedOne("c", 1, 1).got("c", 1, 2).killed(bound).
				got("d", 1, 0).ackedOne("d", 1, 0).got("d", 1, 1).got("d", 1, 2).ackedOne("d", 1, 2),
			[]string{ruleAckedAgain},
			row{Path: "take", Operations: 6, OK: 3, Duplicated: 1, Again: 2},
		},
		"acknowledged without a gap long before a kill, and came again": {
			tell().overHTTP().produced(2).got("c", 1, 0).ackedOne("c", 1, 0).got("c", 1, 1).killed(bound).
				got("d", 1, 0).got("d", 1, 1).ackedOne("d", 1, 1),
			[]string{ruleAckedAgain},
			row{Path: "take", Operations: 4, OK: 2, Duplicated: 1, Again: 1},
		},
		"the acknowledgement of a lease may come over another connection": {
			tell().overHTTP().produced(1).got("c", 1, 0).ackedOne("c", 2, 0), nil,
			row{Path: "take", Operations: 1, OK: 1},
		},
		"with another content": {
			tell().produced(1).step(got, "c", 1, place{"t", 0, 0}, "p/7").acked("c", 1, 0),
			[]string{ruleContent},
			row{Operations: 1, OK: 1},
		},
		"from nowhere": {
			tell().produced(1).got("c", 1, 0).acked("c", 1, 0).got("c", 1, 5),
			[]string{ruleUnknownPlace},
			row{Operations: 2, OK: 1},
		},
	}
	runConsumed(t, tests)
}

type consumedTest struct {
	story *story
	want  []string
	row   row
}

func TestConsumedHistoriesOfOtherLogs(t *testing.T) {
	runConsumed(t, map[string]consumedTest{
		"the old log's records are nobody's loss": {
			tell().gone(5).produced(1).gotOld("c", 1, 0).got("c", 1, 0).acked("c", 1, 0), nil,
			row{Operations: 2, OK: 1},
		},
		"an acknowledgement for the old log is none for the new one": {
			tell().gone(5).produced(2).gotOld("c", 1, 0).gotOld("c", 1, 1).acked("c", 1, 1).got("c", 1, 0).acked("c", 1, 0),
			[]string{ruleNeverCame},
			row{Operations: 3, OK: 1, Lost: 1},
		},
		"a lease of the old log is none of the new one": {
			tell().overHTTP().gone(2).produced(2).gotOld("c", 1, 1).ackedOne("c", 1, 1).got("c", 1, 0).ackedOne("c", 1, 0),
			[]string{ruleNeverCame},
			row{Path: "take", Operations: 2, OK: 1, Lost: 1},
		},
		"what neither log has": {
			tell().gone(1).produced(1).got("c", 1, 0).acked("c", 1, 0).gotOld("c", 1, 3),
			[]string{ruleUnknownPlace},
			row{Operations: 2, OK: 1},
		},
		"a position that was reset goes back": {
			tell().reset().produced(2).got("c", 1, 1).got("c", 1, 0).acked("c", 1, 1), nil,
			row{Operations: 2, OK: 2},
		},
		"deleted, and counted as skipped": {
			tell().produced(3).deleted(2, 2).got("c", 1, 2).acked("c", 1, 2), nil,
			row{Operations: 1, OK: 1, Skipped: 2},
		},
		"deleted after it was handed out: not skipped": {
			tell().produced(3).deleted(2, 1).got("c", 1, 0).got("c", 1, 2).acked("c", 1, 2), nil,
			row{Operations: 2, OK: 1, Skipped: 1},
		},
		"deleted, and not counted": {
			tell().produced(3).deleted(2, 0).got("c", 1, 2).acked("c", 1, 2),
			[]string{ruleSkipped},
			row{Operations: 1, OK: 1},
		},
		"counted as skipped, and there": {
			tell().produced(1).deleted(0, 1).got("c", 1, 0).acked("c", 1, 0),
			[]string{ruleSkipped},
			row{Operations: 1, OK: 1, Skipped: 1},
		},
		"handed out while the log was replaced, acknowledged long after, and came again": {
			tell().produced(1).got("c", 1, 0).outage(2*time.Second).acked("c", 1, 0).
				got("d", 1, 0).acked("d", 1, 0), nil,
			row{Operations: 2, OK: 1, Duplicated: 1},
		},
		"acknowledged while the log was replaced, and came again": {
			tell().produced(1).got("c", 1, 0).acked("c", 1, 0).outage(4*time.Second).got("d", 1, 0).acked("d", 1, 0), nil,
			row{Operations: 2, OK: 1, Duplicated: 1},
		},
		"acknowledged long before that, and came again": {
			tell().produced(2).got("c", 1, 0).acked("c", 1, 0).got("c", 1, 1).outage(time.Second/10).
				got("d", 1, 0).got("d", 1, 1).acked("d", 1, 1),
			[]string{ruleAckedAgain},
			row{Operations: 4, OK: 2, Duplicated: 1, Again: 1},
		},
		"came again before that": {
			tell().produced(1).got("c", 1, 0).acked("c", 1, 0).got("d", 1, 0).outage(time.Second / 10),
			[]string{ruleAckedAgain},
			row{Operations: 2, OK: 1, Duplicated: 1},
		},
	})
}

func runConsumed(t *testing.T, tests map[string]consumedTest) {
	t.Helper()
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			v := judge(&test.story.history)
			if diff := cmp.Diff(test.want, rules(v)); diff != "" {
				t.Errorf("broken rules (-want +got):\n%s", diff)
			}
			if test.row.Path == "" {
				test.row.Path = "BLPOP"
			}
			last := v.Rows[len(v.Rows)-1]
			last.Stall = 0
			if diff := cmp.Diff(test.row, last); diff != "" {
				t.Errorf("row (-want +got):\n%s", diff)
			}
		})
	}
}
