package kafka

import (
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kfake"
)

func TestPatternsMatchWholeNames(t *testing.T) {
	t.Parallel()
	k := cluster(t, kfake.SeedTopics(1, "orders", "orders-eu", "Orders.1", "my-orders"))
	c := openOn(t, k.ListenAddrs(), nil)
	all := []string{"orders", "orders-eu", "Orders.1", "my-orders"}
	for expression, want := range map[string][]string{
		`orders`:                 {"orders"},
		`ord.*`:                  {"orders", "orders-eu"},
		`^(?i)orders([.-]\w+)?$`: {"orders", "orders-eu", "Orders.1"},
		`orders|.*\.\d`:          {"orders", "Orders.1"},
		`[^O].{6,8}`:             {"orders-eu", "my-orders"},
		`(?:o|m)[a-z-]+?`:        {"orders", "orders-eu", "my-orders"},
		`.*`:                     all,
	} {
		pattern, err := Pattern(expression)
		if err != nil {
			t.Errorf("%s: %v", expression, err)
			continue
		}
		w := join(t, c, expression, topicsOf(pattern))
		eventually(t, expression+" to match "+strings.Join(want, ","), func() bool {
			got := map[string]bool{}
			for _, tp := range w.Assigned() {
				got[tp.Topic] = true
			}
			for _, name := range want {
				if !got[name] {
					return false
				}
			}
			return len(got) == len(want)
		})
		w.Leave(true)
	}
}

func TestPatternsThatAreNoPatterns(t *testing.T) {
	t.Parallel()
	for _, expression := range []string{`(`, `[`, `a{2,1}`, `*`, `\bword`, `(?<n`, strings.Repeat("a", longestPattern+1), `((a{30}){30}b){2}`} {
		if pattern, err := Pattern(expression); err == nil {
			t.Errorf("%.40s became %.40s", expression, pattern)
		}
	}
}

// FuzzPattern: what is written for librdkafka means the same as what was given, judged by Go's matcher and grep's,
// which is POSIX's.
func FuzzPattern(f *testing.F) {
	for _, seed := range []string{`ord.*`, `a|b`, `[^a-z]+`, `(?i)X{1,3}`, `^$`, `a**`, `\.`, `.`, `\Qa.b`, `\Q`} {
		f.Add(seed, "orders")
	}
	f.Fuzz(func(t *testing.T, expression, name string) {
		pattern, err := Pattern(expression)
		if err != nil || !isTopicName(name) {
			return
		}
		// Parentheses around the text would be quoted by a \Q in it, so the longest match from the start is asked for.
		whole := regexp.MustCompile(expression)
		whole.Longest()
		want := slices.Equal(whole.FindStringIndex(name), []int{0, len(name)})
		if got := regexp.MustCompile(pattern).MatchString(name); got != want {
			t.Errorf("%q became %q: Go matches %q: %v, want %v", expression, pattern, name, got, want)
		}
		grep := exec.Command("grep", "-qE", "--", pattern)
		grep.Stdin = strings.NewReader(name + "\n")
		if got := grep.Run() == nil; got != want {
			t.Errorf("%q became %q: grep matches %q: %v, want %v", expression, pattern, name, got, want)
		}
	})
}

func isTopicName(name string) bool {
	return name != "" && strings.Trim(name, topicLetters) == ""
}
