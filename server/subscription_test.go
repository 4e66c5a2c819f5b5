package server

import (
	"context"
	"errors"
	"testing"

	"github.com/sluice-proxy/sluice/kafka"
)

func TestAJoinWaitsForAPlaceThatBecomesFreeSoon(t *testing.T) {
	soon, never := &kafka.CrowdedError{Most: 1, Soon: true}, &kafka.CrowdedError{Most: 1}
	over := errors.New("over")
	for name, c := range map[string]struct {
		answers []error // to one join after the other
		waits   []error // how the waits end
		want    error
	}{
		"there is a place":             {[]error{nil}, nil, nil},
		"one becomes free":             {[]error{soon, soon, nil}, []error{nil, nil}, nil},
		"none becomes free":            {[]error{never}, nil, never},
		"another one took it":          {[]error{soon, never}, []error{nil}, never},
		"nobody waits for it":          {[]error{soon}, []error{over}, over},
		"it fails, for another reason": {[]error{kafka.ErrStopping}, nil, kafka.ErrStopping},
	} {
		joins, waits := 0, 0
		err := JoinWithin(func() error {
			joins++
			return c.answers[joins-1]
		}, func(refusal error) error {
			if !errors.Is(refusal, soon) {
				t.Errorf("%s: it waits after %v", name, refusal)
			}
			waits++
			return c.waits[waits-1]
		})
		if !errors.Is(err, c.want) || joins != len(c.answers) || waits != len(c.waits) {
			t.Errorf("%s: %v after %d joins and %d waits", name, err, joins, waits)
		}
	}
}

func TestAwaitingABell(t *testing.T) {
	late, bell := errors.New("late"), NewBell()
	bell.Ring()
	if err := bell.Await(t.Context(), late); err != nil {
		t.Errorf("it rang: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := bell.Await(ctx, late); !errors.Is(err, late) {
		t.Errorf("it did not ring: %v", err)
	}
}
