package topicset

import (
	"regexp"
	"regexp/syntax"
	"slices"
	"strings"
	"testing"

	"github.com/sluice-proxy/sluice/kafka/kafkatest"
)

func TestPatternsMatchWholeNames(t *testing.T) {
	t.Parallel()
	all := []string{"orders", "orders-eu", "Orders.1", "my-orders"}
	for expression, want := range map[string][]string{
		`orders`:                 {"orders"},
		`ord.*`:                  {"orders", "orders-eu"},
		`^(?i)orders([.-]\w+)?$`: {"orders", "orders-eu", "Orders.1"},
		`orders|.*\.\d`:          {"orders", "Orders.1"},
		`[^O].{6,8}`:             {"orders-eu", "my-orders"},
		`(?:o|m)[a-z-]+?`:        {"orders", "orders-eu", "my-orders"},
		`.*`:                     all,
		`[[:alpha:]]+`:           {"orders"},
		`\Qorders\E.?eu`:         {"orders-eu"},
		`nothing`:                nil,
	} {
		text, err := Pattern(expression)
		if err != nil {
			t.Errorf("%s: %v", expression, err)
			continue
		}
		set, err := New([]string{text})
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if got := slices.DeleteFunc(slices.Clone(all), func(name string) bool { return !set.Matches(name) }); !slices.Equal(got, want) {
			t.Errorf("%s matches %q, want %q", expression, got, want)
		}
	}
}

// hostile are patterns that must be refused, whatever matcher they would reach.
var hostile = append(slices.Clone(kafkatest.HostilePatterns), `^`+strings.Repeat("a", LongestPattern+len(WholeName)))

func TestPatternsThatAreNoPatterns(t *testing.T) {
	t.Parallel()
	for _, expression := range slices.Concat(hostile, []string{
		`(`, `[`, `a{2,1}`, `*`, `(?<n`, `\Qa.b`, `a)|(b`, "\xff", strings.Repeat("a", LongestPattern+1),
	}) {
		if pattern, err := Pattern(expression); err == nil {
			t.Errorf("%.40s became %.40s", expression, pattern)
		}
	}
	for _, expression := range hostile {
		if _, err := New([]string{"orders", expression}); err == nil || !strings.Contains(err.Error(), "bad topic pattern") {
			t.Errorf("%.40s: %v", expression, err)
		}
	}
	if _, err := New([]string{"^a{600}", "^b{600}"}); err == nil {
		t.Error("together they cost too much, and nobody said so")
	}
}

// The text of a pattern cannot bound what it costs: what the parser makes of it does.
func FuzzPattern(f *testing.F) {
	for _, seed := range []string{`ord.*`, `a|b`, `[^a-z]+`, `(?i)X{1,3}`, `^$`, `a**`, `\.`, `.`, `\Qa.b`, `\Q`, `(a{2}){3,}`, `(?:(?:a?){9}){0,9}`, `\pL{5}`} {
		f.Add(seed, "orders")
	}
	for _, seed := range hostile {
		f.Add(seed, strings.Repeat("x", 249))
	}
	f.Fuzz(func(t *testing.T, expression, name string) {
		text, err := Pattern(expression)
		if err != nil {
			return
		}
		set, err := New([]string{text})
		if err != nil {
			t.Fatalf("%q became %q: %v", expression, text, err)
		}
		tree, err := syntax.Parse(text, syntax.Perl)
		if err != nil {
			t.Fatal(err)
		}
		program, err := syntax.Compile(tree.Simplify())
		if err != nil || len(program.Inst) > 4*costliestPatterns {
			t.Errorf("%q became %d instructions, %v", expression, len(program.Inst), err)
		}
		if len(name) > 249 {
			return
		}
		whole := regexp.MustCompile(expression)
		whole.Longest()
		if want := slices.Equal(whole.FindStringIndex(name), []int{0, len(name)}); set.Matches(name) != want {
			t.Errorf("%q became %q: that %q matches is %v", expression, text, name, !want)
		}
	})
}
