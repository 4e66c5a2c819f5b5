package cli

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/sluice-proxy/sluice/cmd/sluice/logging"
)

// table holds both forms of an output: rows for people, value for programs as JSON.
type table struct {
	header []any
	rows   [][]any
	value  any
}

// write prints the rows in columns.
func (t table) write(to io.Writer) error {
	w := tabwriter.NewWriter(to, 0, 0, 2, ' ', 0)
	for _, row := range append([][]any{t.header}, t.rows...) {
		for i, cell := range row {
			if i > 0 {
				fmt.Fprint(w, "\t")
			}
			fmt.Fprint(w, visible(fmt.Sprint(cell)))
		}
		fmt.Fprintln(w)
	}
	return w.Flush()
}

// visible quotes a text that a terminal would obey instead of showing it. Clients choose the names in tables.
func visible(text string) string {
	if strings.IndexFunc(text, logging.Unprintable) < 0 && !strings.Contains(text, "\n") {
		return text
	}
	return strconv.Quote(text)
}

// dash replaces an empty cell.
func dash(text string) string {
	if text == "" {
		return "-"
	}
	return text
}
