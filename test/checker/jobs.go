package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"sync"
)

// job is one trial: of a fault, or of a mutant.
type job struct {
	beside bool // others may be tried at the same time
	run    func(ctx context.Context, s *stage, out io.Writer) error
}

// together is how many trials go on at a time: most of what they do is to wait.
const together = 10

// tryAll does all jobs, and closes the stage: first one by one those that hurt others, then the rest. It
// returns how many failed.
func (s *stage) tryAll(ctx context.Context, jobs []job, out io.Writer) (failed int, err error) {
	var beside []job
	for _, j := range jobs {
		if j.beside {
			beside = append(beside, j)
			continue
		}
		if ctx.Err() == nil && j.run(ctx, s, out) != nil {
			failed++
		}
	}
	failed += s.tryTogether(ctx, beside, out)
	return failed, errors.Join(s.close(), ctx.Err())
}

// tryTogether does jobs several at a time, and prints what they say in their order.
func (s *stage) tryTogether(ctx context.Context, jobs []job, out io.Writer) (failed int) {
	said := make([]bytes.Buffer, len(jobs))
	errs := make([]error, len(jobs))
	places := make(chan struct{}, together)
	var wg sync.WaitGroup
	for i, j := range jobs {
		wg.Go(func() {
			places <- struct{}{}
			defer func() { <-places }()
			if errs[i] = ctx.Err(); errs[i] == nil {
				errs[i] = j.run(ctx, s, &said[i])
			}
		})
	}
	wg.Wait()
	for i := range jobs {
		_, _ = out.Write(said[i].Bytes())
		if errs[i] != nil {
			failed++
		}
	}
	return failed
}
