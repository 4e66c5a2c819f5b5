package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestRateOfReadsCSV(t *testing.T) {
	out := `WARNING: something about the server
"test","rps","avg_latency_ms","min_latency_ms"
"RPUSHX topics:produce a, ""quoted"" value","246913.58","0.118","0.040"
`
	rate, err := rateOf(out)
	if err != nil || rate != 246913.58 {
		t.Errorf("rateOf = %v, %v", rate, err)
	}
	if _, err := rateOf("Could not connect"); err == nil || !strings.Contains(err.Error(), "Could not connect") {
		t.Errorf("rateOf of a failure = %v, want its words", err)
	}
}

func TestRedisBenchmarkIsAskedForWholePipelines(t *testing.T) {
	for n, want := range map[int]int{0: 0, 1: 64, 64: 64, 2_000: 2_048, 3_000_000: 3_000_000} {
		if got := (load{pipeline: 64}).even(n); got != want {
			t.Errorf("%d commands became %d, want %d", n, got, want)
		}
	}
}

func TestABacklogThatNearlyEndedIsAnError(t *testing.T) {
	b := bench{scale: scale{round: 2 * time.Second, backlog: 100}}
	for rates, fails := range map[float64]bool{0: false, 90: false, 91: true} { // of two groups' 200 records, 182 are too many
		if err := b.lasted(2, rates); (err != nil) != fails {
			t.Errorf("%v a second for two seconds: %v", rates, err)
		}
	}
}

func TestProcNumbers(t *testing.T) {
	status := []byte("Name:\tsluice\nVmRSS:\t   33964 kB\nThreads:\t17\n")
	if rss, threads := field(status, "VmRSS:"), field(status, "Threads:"); rss != 33964 || threads != 17 {
		t.Errorf("VmRSS %d, Threads %d", rss, threads)
	}
	// A command's name may hold spaces and parentheses: proc(5).
	stat := []byte("42 (a) b (c) S 1 2 3 4 5 6 7 8 9 10 150 50 0 0 20 0")
	if cpu := cpuTime(stat); cpu != 2*time.Second {
		t.Errorf("cpuTime = %s, want 2s", cpu)
	}
}

func TestThousands(t *testing.T) {
	for n, want := range map[float64]string{0: "0", 999.4: "999", 1000: "1 000", 1234567.8: "1 234 568"} {
		if got := thousands(n); got != want {
			t.Errorf("thousands(%v) = %q, want %q", n, got, want)
		}
	}
}

func TestRatiosAreOfTheSameRound(t *testing.T) {
	// The second round was twice as slow for both: no ratio suffers.
	if r := median(ratios([]float64{8, 4, 8}, []float64{10, 5, 10})); r != 0.8 {
		t.Errorf("median ratio = %v, want 0.8", r)
	}
}

func TestWriteBetweenMarkersKeepsTheRest(t *testing.T) {
	file := filepath.Join(t.TempDir(), "benchmarks.md")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("preface\n" + beginMark + "old\n" + endMark + "rest\n")
	if err := writeBetweenMarkers(file, "new\n"); err != nil {
		t.Fatal(err)
	}
	if got, _ := os.ReadFile(file); string(got) != "preface\n"+beginMark+"new\n"+endMark+"rest\n" {
		t.Errorf("file is %q", got)
	}
	write("no markers\n")
	if err := writeBetweenMarkers(file, "new\n"); err == nil {
		t.Error("a file without markers was overwritten")
	}
}

func TestChooseRefusesUnknownSections(t *testing.T) {
	if chosen, err := choose("latency,produce"); err != nil || len(chosen) != 2 || chosen[0].name != "produce" {
		t.Errorf("choose = %v, %v", chosen, err)
	}
	if _, err := choose("produce,nothing"); err == nil {
		t.Error("an unknown section was accepted")
	}
}

func TestBuildsAreComparedRoundByRound(t *testing.T) {
	first := &entrant{series: series{rates: []float64{100, 50, 1000}, cpu: []float64{1, 2, 3}}, threads: 20}
	second := &entrant{series: series{rates: []float64{110, 45, 1200}, cpu: []float64{4, 5, 6}}, threads: 21}
	got := strings.Join(cellsOf(comparison{name: "load", lower: true}, []*entrant{first, second}), "|")
	if want := "load (less is better)|100|110|1.10|0.90 to 1.20|2.0, 5.0|20, 21"; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if chosen, err := chooseComparisons("latency"); err != nil || len(chosen) != 2 {
		t.Errorf("chooseComparisons = %v, %v", chosen, err)
	}
	if _, err := chooseComparisons("nothing"); err == nil {
		t.Error("an unknown section was accepted")
	}
}
