package main

import (
	"fmt"
	"io"
	"time"
)

const (
	rowFormat    = "%-34s %-10s %10d %8d %6d %6d %6d %8d %8d %8d  %s\n"
	headerFormat = "%-34s %-10s %10s %8s %6s %6s %6s %8s %8s %8s  %s\n"
)

// printHeader prints the names of the columns. twice: in the topic more than once, or handed out
// after the acknowledgement; order: out of order; again: handed out more than once, rightly.
func printHeader(out io.Writer) {
	fmt.Fprintf(out, headerFormat, "fault", "path", "operations", "ok", "lost", "twice", "order",
		"unknown", "refused", "again", "longest stall")
}

// print prints the rows of a fault, and what was broken.
func (v *verdict) print(out io.Writer, name string) {
	for _, r := range v.Rows {
		fmt.Fprintf(out, rowFormat, name, r.Path, r.Operations, r.OK, r.Lost, r.Duplicated, r.Disordered,
			r.Unknown, r.Refused, r.Again, r.Stall.Round(time.Millisecond))
	}
	for i := range v.Broken {
		fmt.Fprintf(out, "  BROKEN: %s\n", &v.Broken[i])
	}
}
