package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
)

// memoryMutant is a wrong sluice that takes more than memoryCaught in a burst.
var memoryMutant = &mutant{
	Name: "holds nothing back", seam: "limit-of-the-heap", body: "return",
	fault: "zstd, burst", rule: ruleMemory,
}

const (
	memoryCaught = 1024 * mebi
	ruleMemory   = "sluice takes more memory than it may"
)

// huntMemory tries the wrong sluice. The error says that it was not caught.
func (s *stage) huntMemory(ctx context.Context, p plan, out io.Writer) error {
	dir, err := os.MkdirTemp("", "checker-mutant-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	if p.Binary, err = memoryMutant.build(ctx, dir); err != nil {
		return err
	}
	err = s.memoryOf(ctx, backlog{codec: "zstd", burst: true}, p, memoryCaught, out)
	if !errors.Is(err, errMemory) {
		return fmt.Errorf("mutant %q was not caught: %w", memoryMutant.Name, err)
	}
	fmt.Fprintf(out, "mutant %q is caught: %v\n", memoryMutant.Name, err)
	return nil
}
