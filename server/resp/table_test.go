package resp

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// rows are all commands, subcommands included.
func rows() []*command {
	all := slices.Collect(maps.Values(commands))
	for _, subs := range subcommands {
		all = slices.AppendSeq(all, maps.Values(subs))
	}
	return all
}

func TestEveryRowIsWhole(t *testing.T) {
	for _, c := range rows() {
		switch {
		case c.run == nil:
			t.Errorf("%s: no handler", c.name)
		case c.name != strings.ToLower(c.name) || c.name == "" || len(c.name) > 32:
			t.Errorf("%q can never be called", c.name)
		case c.arity == 0 || strings.Contains(c.name, "|") && -2 < c.arity && c.arity < 2:
			t.Errorf("%s: arity %d", c.name, c.arity)
		case !slices.Contains([]string{"ERR", "CONS", "PROD"}, c.class):
			t.Errorf("%s: class %q", c.name, c.class)
		}
	}
}

// A name that is in two families would hide one of them.
func TestNamesAreUnique(t *testing.T) {
	n := 0
	for _, family := range families {
		n += len(family)
	}
	if len(commands) != n {
		t.Errorf("%d commands of %d rows", len(commands), n)
	}
	n = 0
	for container, subs := range subcommands {
		n += len(subs)
		if commands[container] == nil {
			t.Errorf("subcommands of %s, which is no command", container)
		}
	}
	rows := 0
	for _, family := range subfamilies {
		rows += len(family)
	}
	if n != rows {
		t.Errorf("%d subcommands of %d rows", n, rows)
	}
}

func TestEveryCommandIsDocumented(t *testing.T) {
	var names []string
	for _, c := range rows() {
		names = append(names, c.name)
	}
	slices.Sort(names)
	if diff := cmp.Diff(names, slices.Sorted(maps.Keys(commandDocs))); diff != "" {
		t.Errorf("commands (-) and their documentation (+):\n%s", diff)
	}
	for name, doc := range commandDocs {
		if doc.summary == "" || strings.HasSuffix(doc.summary, ".") || doc.group == "" || doc.since == "" {
			t.Errorf("%s: %+v", name, doc)
		}
	}
}

// What is allowed where is Redis' own choice; a row added by mistake would open a hole.
func TestFlags(t *testing.T) {
	want := map[flags][]string{
		beforeAuth: {"auth", "hello", "quit", "reset"},
		immediate:  {"discard", "exec", "multi", "quit", "reset", "watch"},
		pipelines:  {"lpush", "rpush", "xadd"},
	}
	for flag, names := range want {
		var got []string
		for _, c := range rows() {
			if c.flags&flag != 0 {
				got = append(got, c.name)
			}
		}
		slices.Sort(got)
		if diff := cmp.Diff(names, got); diff != "" {
			t.Errorf("flag %d: -want +got\n%s", flag, diff)
		}
	}
}

func TestArity(t *testing.T) {
	cases := []struct {
		arity int
		takes []int
	}{
		{1, []int{1}},
		{3, []int{3}},
		{-1, []int{1, 2, 3, 4, 5}},
		{-3, []int{3, 4, 5}},
	}
	for _, c := range cases {
		var got []int
		for n := 1; n <= 5; n++ {
			if (&command{arity: c.arity}).takes(n) {
				got = append(got, n)
			}
		}
		if !slices.Equal(got, c.takes) {
			t.Errorf("arity %d takes %v, want %v", c.arity, got, c.takes)
		}
	}
}

// Whatever a stranger sends, only what the table allows is run.
func TestNothingBeforeAuth(t *testing.T) {
	d := open(t, Options{Password: "secret"}, brokers...)
	p := d.dial(t)
	for _, c := range rows() {
		if strings.Contains(c.name, "|") || c.flags&beforeAuth != 0 {
			continue
		}
		line := c.name + strings.Repeat(" x", max(c.arity, -c.arity)-1)
		if got := p.ask(line); got != failure("NOAUTH Authentication required.") {
			t.Errorf("%s: %v", line, got)
		}
	}
}
