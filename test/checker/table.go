package main

import (
	"fmt"
	"io"
	"time"
)

// The table is indented as a block of Markdown is, to be pasted into docs/guarantees.md.
const (
	rowFormat    = "    %-38s %-10s %7d %10d %7d %5d %7d %5d %5d %7d %7d %7d %6d  %s\n"
	headerFormat = "    %-38s %-10s %7s %10s %7s %5s %7s %5s %5s %7s %7s %7s %6s  %s\n"
)

// printHeader prints the names of the columns. skipped: deleted before they were handed out; twice: in the topic more
// than once, or handed out after the acknowledgement; order: out of order; wrongly: good records that were
// rejected; again: handed out more than once, rightly.
func printHeader(out io.Writer) {
	fmt.Fprintf(out, headerFormat, "fault", "path", "brokers", "operations", "ok", "lost", "skipped", "twice", "order",
		"wrongly", "unknown", "refused", "again", "longest stall")
}

// print prints the rows of a trial on so many brokers, and what was broken.
func (v *verdict) print(out io.Writer, name string, brokers int) {
	for _, r := range v.Rows {
		fmt.Fprintf(out, rowFormat, name, r.Path, brokers, r.Operations, r.OK, r.Lost, r.Skipped, r.Duplicated,
			r.Disordered, r.Wrongly, r.Unknown, r.Refused, r.Again, r.Stall.Round(time.Millisecond))
	}
	for _, note := range v.Notes {
		fmt.Fprintf(out, "      %s\n", note)
	}
	for i := range v.Broken {
		fmt.Fprintf(out, "  BROKEN: %s\n", &v.Broken[i])
	}
}
