package main

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
)

func TestTheOperatorHearsOfBrokersThatAreAwayAndOfTheirReturn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var said strings.Builder
		log := slog.New(slog.NewTextHandler(&said, nil))
		asked := 0
		watchReach(context.Background(), log, []string{"a:1"}, func(context.Context) error {
			if asked++; asked < 5 {
				return errors.New("connection refused")
			}
			return nil
		})
		for _, want := range []string{
			`level=WARN msg="no broker answers: the doors are open, and records wait until one does" brokers=[a:1] err="connection refused"`,
			`level=INFO msg="a broker answers" brokers=[a:1]`,
		} {
			if strings.Count(said.String(), want) != 1 {
				t.Errorf("not said once: %s\n%s", want, said.String())
			}
		}
		if n := strings.Count(said.String(), "\n"); n != 2 {
			t.Errorf("%d lines:\n%s", n, said.String())
		}
	})
}

func TestAReachableClusterIsNothingToTalkAbout(t *testing.T) {
	var said strings.Builder
	watchReach(context.Background(), slog.New(slog.NewTextHandler(&said, nil)), nil, func(context.Context) error { return nil })
	if said.Len() > 0 {
		t.Error(said.String())
	}
}

func TestAStopEndsTheWatch(t *testing.T) {
	ctx, stop := context.WithCancel(context.Background())
	watchReach(ctx, slog.New(slog.DiscardHandler), nil, func(context.Context) error {
		stop()
		return errors.New("away")
	})
}
