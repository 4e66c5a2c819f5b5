package main

import (
	"bytes"
	"context"
	"io"
	"sync"
)

// job is one trial: of a fault, or of a mutant.
type job struct {
	beside bool // others may be tried at the same time
	run    func(ctx context.Context, s *stage, out io.Writer) error
	stage  *stage // which it is for, once that is open
}

// together is how many trials go on at a time: most of what they do is to wait.
const together = 10

// tryAlone does one by one those jobs that hurt others, and returns what failed. The rest is for later.
func (s *stage) tryAlone(ctx context.Context, jobs []job, out io.Writer) (failed []error, beside []job) {
	for _, j := range jobs {
		if j.stage = s; j.beside {
			beside = append(beside, j)
			continue
		}
		if ctx.Err() != nil {
			continue
		}
		if err := j.run(ctx, s, out); err != nil {
			failed = append(failed, err)
		}
	}
	return failed, beside
}

// tryTogether does jobs several at a time, and prints what they say in their order. It returns what failed.
func tryTogether(ctx context.Context, jobs []job, out io.Writer) (failed []error) {
	said := make([]bytes.Buffer, len(jobs))
	errs := make([]error, len(jobs))
	places := make(chan struct{}, together)
	var wg sync.WaitGroup
	for i, j := range jobs {
		wg.Go(func() {
			places <- struct{}{}
			defer func() { <-places }()
			if errs[i] = ctx.Err(); errs[i] == nil {
				errs[i] = j.run(ctx, j.stage, &said[i])
			}
		})
	}
	wg.Wait()
	for i := range jobs {
		_, _ = out.Write(said[i].Bytes())
		if errs[i] != nil {
			failed = append(failed, errs[i])
		}
	}
	return failed
}
