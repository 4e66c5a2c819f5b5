package main

import (
	"bytes"
	"cmp"
	"fmt"
	"os"
	"slices"
	"strings"
	"unicode/utf8"
)

// table is what one section shows: figures, and beside some of them a target and a verdict.
type table struct {
	head []string
	rows [][]string
	note string
}

// verdict is the last two cells of a row: what was wanted, and whether it came true.
type verdict [2]string

// open is the verdict on a figure that nobody wanted to be anything.
var open verdict

func judge(wanted string, met bool) verdict {
	if met {
		return verdict{wanted, "met"}
	}
	return verdict{wanted, "**missed**"}
}

func (b *bench) table(note string, head ...string) *table {
	t := &table{head: append(head, "target", "verdict"), note: note}
	b.tables = append(b.tables, t)
	return t
}

func (t *table) add(v verdict, cells ...string) { t.rows = append(t.rows, append(cells, v[:]...)) }

// markdown aligns the columns, so that it reads well on a terminal too.
func (t *table) markdown() string {
	widths := make([]int, len(t.head))
	for _, row := range append([][]string{t.head}, t.rows...) {
		for i, cell := range row {
			widths[i] = max(widths[i], utf8.RuneCountInString(cell), 3)
		}
	}
	var out strings.Builder
	out.WriteByte('\n')
	writeRow(&out, widths, t.head)
	rule := make([]string, len(widths))
	for i, w := range widths {
		rule[i] = strings.Repeat("-", w)
	}
	writeRow(&out, widths, rule)
	for _, row := range t.rows {
		writeRow(&out, widths, row)
	}
	if t.note != "" {
		out.WriteString("\n" + t.note + "\n")
	}
	return out.String()
}

func writeRow(out *strings.Builder, widths []int, row []string) {
	for i, cell := range row {
		fmt.Fprintf(out, "| %-*s ", widths[i], cell)
	}
	out.WriteString("|\n")
}

// thousands writes a rate: 123456.7 as 123 457.
func thousands(n float64) string {
	digits := fmt.Sprintf("%.0f", n)
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + " " + digits[i:]
	}
	return digits
}

func ratio(r float64) string { return fmt.Sprintf("%.2f", r) }

func mebibytes(n int64) string { return fmt.Sprintf("%.0f MiB", float64(n)/(1<<20)) }

// median of what alternating rounds gave.
func median[T cmp.Ordered](values []T) T {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[len(sorted)/2]
}

// ratios of two series that were measured in turn. Noise that lasts longer than a round hits both
// sides, so the median of these is steadier than the ratio of medians.
func ratios(of, to []float64) []float64 {
	r := make([]float64, len(of))
	for i := range of {
		r[i] = of[i] / to[i]
	}
	return r
}

const beginMark, endMark = "<!-- bench: begin -->\n", "<!-- bench: end -->\n"

// writeBetweenMarkers replaces what the last run wrote into the file.
func writeBetweenMarkers(file, report string) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	before, rest, begun := bytes.Cut(text, []byte(beginMark))
	_, after, ended := bytes.Cut(rest, []byte(endMark))
	if !begun || !ended {
		return fmt.Errorf("%s has no markers %q and %q", file, beginMark, endMark)
	}
	return os.WriteFile(file, slices.Concat(before, []byte(beginMark+report+endMark), after), 0o600)
}
