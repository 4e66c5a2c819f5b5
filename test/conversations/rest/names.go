package rest

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"sync/atomic"
)

// names are what the <names> of one run stand for.
type names struct {
	suffix string // makes new ones unlike those of other runs
	values map[string]string
}

// longText is more than a header may have: 16 KiB, and the 4 KiB that net/http lets pass besides.
const longText = 30_000

func newNames() names {
	return names{
		suffix: fmt.Sprintf("%d-%d", os.Getpid(), runs.Add(1)),
		values: map[string]string{"<long>": strings.Repeat("x", longText)},
	}
}

// runs numbers the runs, for names that are theirs alone.
var runs atomic.Int64

var name = regexp.MustCompile(`<[a-z0-9]+>`)

// fill makes a request out of its template.
func (n *names) fill(template string) string {
	return name.ReplaceAllStringFunc(template, func(as string) string {
		if n.values[as] == "" {
			n.values[as] = strings.Trim(as, "<>") + "-" + n.suffix
		}
		return n.values[as]
	})
}

// match compares an answer with its template, and keeps what new names stand for.
func (n *names) match(template, got string) error {
	var fresh []string
	pattern, at := "", 0
	for _, span := range name.FindAllStringIndex(template, -1) {
		as := template[span[0]:span[1]]
		pattern += regexp.QuoteMeta(template[at:span[0]])
		at = span[1]
		switch known := n.values[as]; {
		case as == "<n>":
			pattern += `-?\d+`
		case as == "<all>":
			pattern += `(?s:.*)`
		case as == "<any>":
			pattern += `(?:[^"\\]|\\.)*`
		case known != "":
			pattern += regexp.QuoteMeta(known)
		default:
			pattern += `([^",/]+)`
			fresh = append(fresh, as)
		}
	}
	found := regexp.MustCompile(`^` + pattern + regexp.QuoteMeta(template[at:]) + `$`).FindStringSubmatch(got)
	if found == nil {
		return fmt.Errorf("got  %s\nwant %s", got, template)
	}
	for i, as := range fresh {
		if before := n.values[as]; before != "" && before != found[i+1] {
			return fmt.Errorf("%s is %s and %s in %s", as, before, found[i+1], got)
		}
		n.values[as] = found[i+1]
	}
	return nil
}
