//go:build matrix

package redis

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/sluice-proxy/sluice/test/harness"
	"github.com/sluice-proxy/sluice/test/harness/harnesstest"
)

// connects is whether the client speaks this version of the protocol.
func (r *run) connects() bool {
	topic, out := r.play("", "connect")
	if why, none := out.none("connect"); none {
		r.t.Logf("RESP%d: %s", r.protocol, why)
		return false
	}
	if got := out.first("name"); out.err != nil || got != topic+":w" {
		r.t.Errorf("RESP%d: connect: its name is %q, %v", r.protocol, got, out.err)
	}
	return true
}

// part is one thing that the step produce does.
type part struct {
	name, key string
	values    []string
}

// produced are the parts, in the order in which a program does them.
func produced() []part {
	binary := make([]byte, 256)
	for i := range binary {
		binary[i] = byte(i)
	}
	return []part{
		{"alone", "", []string{"alone"}},
		{"waited", "", []string{"waited"}},
		{"left", "", []string{"left"}},
		{"pipelined", "", numbered("p-%d", 100)},
		{"multi", "", numbered("m-%d", 100)},
		{"large", "", []string{strings.Repeat("k", 900_000)}},
		{"binary", "", []string{string(binary)}},
		{"empty", "", []string{""}},
		{"utf8", "ключ", []string{"utf8"}},
	}
}

func numbered(format string, n int) (values []string) {
	for i := range n {
		values = append(values, fmt.Sprintf(format, i))
	}
	return values
}

// produces says which parts are in Kafka; what the program does not leave out must be, once and with its key.
func (r *run) produces() string {
	topic, out := r.play("", "produce")
	if out.err != nil {
		r.t.Errorf("RESP%d: produce: %v", r.protocol, out.err)
		return "error"
	}
	want, missing := map[string]int{}, []string{}
	for _, p := range produced() {
		if _, none := out.none(p.name); none {
			missing = append(missing, p.name)
			continue
		}
		for _, v := range p.values {
			want[p.key+"\t"+v]++
		}
	}
	for range out.of("id") {
		want["c-17\tadded"]++
	}
	r.expectRecords("produce", topic, want)
	r.expectIDs(topic, out.of("id"))
	if len(missing) == 0 {
		return "all"
	}
	return "all but " + strings.Join(missing, ", ")
}

// expectRecords waits until the topic holds as many records as are wanted, and compares them: "key\tvalue" and how often.
func (r *run) expectRecords(step, topic string, want map[string]int) {
	r.t.Helper()
	all := 0
	for _, n := range want {
		all += n
	}
	ctx := harnesstest.Within(r.t, startPatience)
	harnesstest.Until(r.t, ctx, func(ctx context.Context) error {
		ends, err := r.fake.Admin.EndOffsets(ctx, topic)
		if err == nil && ends[0] < int64(all) {
			err = fmt.Errorf("%s: the topic holds %d records of %d", step, ends[0], all)
		}
		return err
	})
	records, err := r.fake.Admin.Records(ctx, topic)
	if err != nil {
		r.t.Fatal(err)
	}
	for _, record := range records {
		want[string(record.Key)+"\t"+string(record.Value)]--
	}
	for record, n := range want {
		if n != 0 {
			r.t.Errorf("RESP%d: %s: %.60q is there %d times too few", r.protocol, step, record, n)
		}
	}
}

// expectIDs compares what a program made of the ids of its entries, milliseconds, partition and offset, with the records.
func (r *run) expectIDs(topic string, ids [][]string) {
	r.t.Helper()
	records, err := r.fake.Admin.Records(harnesstest.Within(r.t, startPatience), topic)
	if err != nil {
		r.t.Fatal(err)
	}
	var want [][]string
	for _, record := range records {
		if string(record.Value) == "added" {
			want = append(want, []string{fmt.Sprint(record.Timestamp.UnixMilli()), fmt.Sprint(record.Partition), fmt.Sprint(record.Offset)})
			if len(record.Headers) != 1 || record.Headers[0].Key != "traceparent" || string(record.Headers[0].Value) != "00-1-2-01" {
				r.t.Errorf("RESP%d: XADD: its headers are %v", r.protocol, record.Headers)
			}
		}
	}
	if !slices.EqualFunc(want, ids, slices.Equal) {
		r.t.Errorf("RESP%d: XADD: the ids are %v, and the records %v", r.protocol, ids, want)
	}
}

var backlog = []string{"first", "second", "third"}

// consumesTyped says what the client's own BLPOP gives by default, and which listener makes it right when that is not.
func (r *run) consumesTyped() (byDefault, listener string) {
	for _, shape := range shapes {
		topic, out := r.play(shape, "typed", backlog...)
		if _, none := out.none("typed"); none {
			return "it has none", ""
		}
		problem := r.consumed(topic, out)
		if problem == "" && shape == "strings" && !whole(out) {
			problem = "a part of the reply" // the value came by accident, as the last of eight
		}
		if shape == "" {
			byDefault = problem
		}
		if problem == "" {
			r.shape, r.typed = shape, true
			if shape == "" {
				return "yes", ""
			}
			return byDefault, "`reply: " + shape + "`"
		}
		r.t.Logf("RESP%d: typed, %q: %s: %v %q", r.protocol, shape, problem, out.err, out.lines)
	}
	r.t.Errorf("RESP%d: its own BLPOP takes the records of no listener", r.protocol)
	return byDefault, ""
}

// whole is whether each reply has all eight elements.
func whole(out said) bool {
	const elements = 8
	return !slices.ContainsFunc(out.of("got"), func(reply []string) bool { return len(reply) != elements })
}

// consumed is what went wrong with the three records of a topic, "" when they came in order and are accepted.
func (r *run) consumed(topic string, out said) string {
	if out.err != nil {
		return "an error"
	}
	got := out.of("got")
	for i, value := range backlog {
		if i >= len(got) || !slices.Contains(got[i], value) {
			return "**the value is lost**"
		}
	}
	if len(got) > len(backlog) {
		return "some come twice"
	}
	r.expectCommitted(topic, int64(len(backlog)))
	return ""
}

// consumesRaw says what the client's generic command gives, which must be the records.
func (r *run) consumesRaw() string {
	topic, out := r.play("", "raw", backlog...)
	if why, none := out.none("raw"); none {
		return "none: " + why
	}
	if problem := r.consumed(topic, out); problem != "" {
		r.t.Errorf("RESP%d: raw: %s: %v %q", r.protocol, problem, out.err, out.lines)
		return problem
	}
	return "yes"
}

// pools says whether eight threads lose nothing and get nothing twice.
func (r *run) pools() string {
	const threads, each = 8, 25
	topic, out := r.play(r.shape, "pool")
	if why, none := out.none("pool"); none {
		return why
	}
	if out.err != nil {
		r.t.Errorf("RESP%d: pool: %v", r.protocol, out.err)
		return "error"
	}
	wanted, got := map[string]int{}, map[string]int{}
	for i := range threads {
		for j := range each {
			wanted[fmt.Sprintf("w%d-%d", i, j)]++
		}
	}
	for _, reply := range out.of("got") {
		for _, element := range reply {
			if wanted[element] > 0 {
				got[element]++
			}
		}
	}
	for value := range wanted {
		if got[value] != 1 {
			r.t.Errorf("RESP%d: pool: %s came %d times", r.protocol, value, got[value])
		}
	}
	r.expectCommitted(topic, threads*each)
	return "yes"
}

// waits says what a BLPOP gives that is longer than many clients wait by default.
func (r *run) waits() string {
	_, out := r.play(r.shape, "patience")
	switch text := out.first("error"); {
	case out.err != nil:
		r.t.Errorf("RESP%d: patience: %v", r.protocol, out.err)
		return "error"
	case text != "":
		return "error: " + cell(text)
	}
	return "nothing, in time"
}

// restarts says how the client comes through a kill and a new start of the proxy.
func (r *run) restarts() string {
	d, topic := r.open(r.t), r.name("restart")
	r.topic(r.t, topic)
	out := r.playRestart(d, topic, func() {
		again, err := d.Restart(harnesstest.Within(r.t, startPatience))
		if err != nil {
			r.t.Error(err)
			return
		}
		r.t.Cleanup(func() { _ = again.Close() })
	})
	if why, none := out.none("restart"); none {
		return why
	}
	if out.err != nil {
		r.t.Errorf("RESP%d: restart: %v", r.protocol, out.err)
		return "error"
	}
	var got []string
	for _, reply := range out.of("got") {
		got = append(got, reply...)
	}
	if text := out.first("error"); !slices.Contains(got, "after") && !strings.Contains(text, "Connection not ready") {
		r.t.Errorf("RESP%d: restart: got %q, %s", r.protocol, got, text)
	}
	return outcome(out)
}

// outcome is what a restart cost the client's user.
func outcome(out said) string {
	tries, text := out.first("tries"), out.first("error")
	cost := "goes on"
	if tries != "0" {
		cost = "errors of RPUSH: " + tries + ", then goes on"
	}
	switch {
	case strings.Contains(text, "Connection not ready"):
		cost += "; its name is lost: put it in the key"
	case text != "":
		cost += "; first BLPOP: " + cell(text)
	}
	return cost
}

// cell is a text that fits into a table's cell.
func cell(text string) string {
	const most = 60
	text = strings.ReplaceAll(text, "|", "/")
	if runes := []rune(text); len(runes) > most {
		text = string(runes[:most]) + "..."
	}
	return text
}

// expectCommitted waits until the group that is called like its topic has committed so far.
func (r *run) expectCommitted(topic string, at int64) {
	r.t.Helper()
	ctx := harnesstest.Within(r.t, startPatience)
	err := harness.Until(ctx, func(ctx context.Context) error {
		got, err := r.fake.Admin.Committed(ctx, topic, topic, 0)
		if err == nil && got != at {
			err = fmt.Errorf("group %s committed %d, want %d", topic, got, at)
		}
		return err
	})
	if err != nil {
		r.t.Errorf("RESP%d: %v", r.protocol, err)
	}
}
