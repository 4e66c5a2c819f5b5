package main

import (
	"bufio"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"regexp"
	"slices"
	"strings"
	"time"
)

// slowest is how many tests are named at the end.
const slowest = 10

// event is a line of go test -json: see go doc test2json, and go help buildjson for those of the compiler.
type event struct {
	Action, Package, Test, Output string
	Elapsed                       float64 // seconds
}

// test is one test, or all that a package wrote outside of its tests.
type test struct {
	pkg, name string
	took      time.Duration
	said      strings.Builder // until it has passed
	parent    bool            // of tests, whose times are named in its place
}

func (t *test) String() string { return fmt.Sprintf("%7.2f s  %s %s", t.took.Seconds(), t.pkg, t.name) }

// report is what is known of a run.
type report struct {
	out     io.Writer
	verbose bool
	running map[[2]string]*test
	ended   []*test
	skipped []string
	failed  []string
}

func newReport(out io.Writer, verbose bool) *report {
	return &report{out: out, verbose: verbose, running: map[[2]string]*test{}}
}

// read takes all events. A line that is none is printed.
func (r *report) read(from io.Reader) error {
	lines := bufio.NewReader(from)
	for {
		line, err := lines.ReadBytes('\n')
		var e event
		if len(line) > 0 && (line[0] != '{' || json.Unmarshal(line, &e) != nil) {
			_, _ = r.out.Write(line)
		} else {
			r.take(&e)
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

func (r *report) take(e *event) {
	t := r.of(e)
	switch e.Action {
	case "build-output":
		fmt.Fprint(r.out, e.Output)
	case "output":
		r.output(t, e)
	case "pass", "fail", "skip":
		delete(r.running, [2]string{e.Package, e.Test})
		t.took = time.Duration(e.Elapsed * float64(time.Second))
		r.finish(t, e)
	}
}

// of is the test that an event is about.
func (r *report) of(e *event) *test {
	key := [2]string{e.Package, e.Test}
	if r.running[key] == nil {
		r.running[key] = &test{pkg: e.Package, name: e.Test}
		if at := strings.LastIndexByte(e.Test, '/'); at >= 0 {
			r.of(&event{Package: e.Package, Test: e.Test[:at]}).parent = true
		}
	}
	return r.running[key]
}

// output prints how a package ended, and keeps the rest.
func (r *report) output(t *test, e *event) {
	ends := e.Test == "" && (strings.HasPrefix(e.Output, "ok ") || strings.HasPrefix(e.Output, "FAIL\t"))
	if r.verbose || ends {
		fmt.Fprint(r.out, e.Output)
	}
	if !ends {
		t.said.WriteString(e.Output)
	}
}

func (r *report) finish(t *test, e *event) {
	switch {
	case e.Action == "fail":
		r.tell(e.Package, e.Test)
		r.fail(t)
	case e.Action == "skip" && e.Test != "":
		r.skipped = append(r.skipped, fmt.Sprintf("%s %s: %s", e.Package, e.Test, reason(t.said.String())))
	}
	if e.Test != "" && !t.parent && t.took > 0 {
		r.ended = append(r.ended, t)
	}
	t.said.Reset()
}

// tell prints what tests of a package said that have not ended with it: it died.
func (r *report) tell(pkg, name string) {
	if name != "" {
		return
	}
	for key, t := range r.running {
		if key[0] == pkg {
			r.fail(t)
			delete(r.running, key)
		}
	}
}

// fail prints what a test said, and keeps it for the end. A test or a package that only has others that failed is not kept.
func (r *report) fail(t *test) {
	if !r.verbose {
		fmt.Fprint(r.out, t.said.String())
	}
	outer := t.pkg + " "
	if t.name != "" {
		outer += t.name + "/"
	}
	inside := func(other string) bool { return strings.HasPrefix(other, outer) }
	if !slices.ContainsFunc(r.failed, inside) {
		r.failed = append(r.failed, failure(t))
	}
}

// errorLine is how a line begins that t.Error wrote, or Go's word for why a program died.
var errorLine = regexp.MustCompile(`^\s+\w+\.go:\d+: |^panic: |^WARNING: DATA RACE`)

// failure names a test and the first of its errors. What a program under test logged is not among them.
func failure(t *test) string {
	for line := range strings.Lines(t.said.String()) {
		if errorLine.MatchString(line) {
			return fmt.Sprintf("%s %s: %s", t.pkg, t.name, strings.TrimSpace(line))
		}
	}
	return t.pkg + " " + t.name
}

// reason is the text of t.Skip among what a test wrote, without what go test adds and what a program under test logged.
func reason(said string) string {
	var words []string
	for line := range strings.Lines(said) {
		line = strings.TrimSpace(line)
		if !strings.HasPrefix(line, "===") && !strings.HasPrefix(line, "---") && !strings.HasPrefix(line, "time=") {
			words = append(words, line)
		}
	}
	return strings.Join(words, " ")
}

// end prints what is to be known at the end.
func (r *report) end() {
	slices.SortFunc(r.ended, func(a, b *test) int { return cmp.Compare(b.took, a.took) })
	fmt.Fprintln(r.out, "\nThe slowest tests:")
	for _, t := range r.ended[:min(slowest, len(r.ended))] {
		fmt.Fprintln(r.out, t)
	}
	r.list("Not checked", r.skipped)
	r.list("Failed", r.failed)
}

func (r *report) list(title string, all []string) {
	if len(all) == 0 {
		return
	}
	fmt.Fprintf(r.out, "\n%s:\n", title)
	for _, one := range all {
		fmt.Fprintln(r.out, " ", one)
	}
}

// appendTimes writes all tests to the end of a file.
func (r *report) appendTimes(path string) error {
	file, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer file.Close()
	for _, t := range r.ended {
		if _, err := fmt.Fprintln(file, t); err != nil {
			return err
		}
	}
	return nil
}
