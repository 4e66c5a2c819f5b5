package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// told is what go test -json says of two packages.
const told = `{"Action":"start","Package":"p"}
{"Action":"run","Package":"p","Test":"TestA"}
{"Action":"output","Package":"p","Test":"TestA","Output":"=== RUN   TestA\n"}
{"Action":"output","Package":"p","Test":"TestA","Output":"words of one that passes\n"}
{"Action":"pass","Package":"p","Test":"TestA","Elapsed":1.5}
{"Action":"output","Package":"p","Test":"TestBelow","Output":"    b_test.go:9: what is wrong too\n"}
{"Action":"fail","Package":"p","Test":"TestBelow","Elapsed":0}
{"Action":"run","Package":"p","Test":"TestB"}
{"Action":"run","Package":"p","Test":"TestB/sub"}
{"Action":"output","Package":"p","Test":"TestB/sub","Output":"words of one that fails\n"}
{"Action":"output","Package":"p","Test":"TestB/sub","Output":"    b_test.go:3: what is wrong\n"}
{"Action":"fail","Package":"p","Test":"TestB/sub","Elapsed":2}
{"Action":"fail","Package":"p","Test":"TestB","Elapsed":9}
{"Action":"output","Package":"p","Test":"TestC","Output":"time=2026-11-30T17:27:33.924Z level=INFO msg=x\n"}
{"Action":"output","Package":"p","Test":"TestC","Output":"    c_test.go:7: promtool is missing\n"}
{"Action":"output","Package":"p","Test":"TestC","Output":"--- SKIP: TestC (0.00s)\n"}
{"Action":"skip","Package":"p","Test":"TestC","Elapsed":0}
{"Action":"output","Package":"p","Output":"FAIL\tp\t3s\n"}
{"Action":"fail","Package":"p","Elapsed":3}
{"ImportPath":"q","Action":"build-output","Output":"q.go:1: what the compiler says\n"}
{"Action":"output","Package":"d","Test":"TestDies","Output":"panic: last words\n"}
{"Action":"output","Package":"d","Output":"FAIL\td\t1s\n"}
{"Action":"fail","Package":"d","Elapsed":1}
{"Action":"output","Package":"o","Output":"ok  \to\t0.1s\n"}
{"Action":"pass","Package":"o","Elapsed":0.1}
no event
`

func TestWhatIsSaidOfARun(t *testing.T) {
	var out strings.Builder
	r := newReport(&out, false)
	if err := r.read(strings.NewReader(told)); err != nil {
		t.Fatal(err)
	}
	r.end()
	for _, want := range []string{
		"words of one that fails\n", "FAIL\tp\t3s\n", "what the compiler says\n", "FAIL\td\t1s\npanic: last words\n", "ok  \to\t0.1s\n", "no event\n",
		"   2.00 s  p TestB/sub\n   1.50 s  p TestA\n", "p TestC: c_test.go:7: promtool is missing\n",
	} {
		if strings.Count(out.String(), want) != 1 {
			t.Errorf("%q is not there once", want)
		}
	}
	if failed := "Failed:\n  p TestBelow: b_test.go:9: what is wrong too\n  p TestB/sub: b_test.go:3: what is wrong\n  d TestDies: panic: last words\n"; !strings.HasSuffix(out.String(), failed) {
		t.Errorf("the end is not %q", failed)
	}
	for _, not := range []string{"words of one that passes", "=== RUN", "9.00 s"} {
		if strings.Contains(out.String(), not) {
			t.Errorf("%q is there", not)
		}
	}
	if t.Failed() {
		t.Log(out.String())
	}
	file := filepath.Join(t.TempDir(), "times")
	if err := r.appendTimes(file); err != nil {
		t.Fatal(err)
	}
	if text, err := os.ReadFile(file); err != nil || strings.Count(string(text), "\n") != 2 {
		t.Errorf("%s %v", text, err)
	}
}
