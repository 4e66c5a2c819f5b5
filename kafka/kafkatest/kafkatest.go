// Package kafkatest is what tests of the packages of kafka share.
//
// It starts brokers in the process, writes records to them, and waits for what must come.
package kafkatest

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
)

// Patience is how long a test waits for what must come.
const Patience = 20 * time.Second

// Brokers starts a fake Kafka cluster, of one broker unless opts say otherwise, that ends with the test.
func Brokers(t *testing.T, opts ...kfake.Opt) *kfake.Cluster {
	t.Helper()
	k, err := kfake.NewCluster(append([]kfake.Opt{kfake.NumBrokers(1), kfake.GroupMinSessionTimeout(100 * time.Millisecond)}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(k.Close)
	return k
}

// Bounded is a context for what must come. It may outlive the test's own, in what ends the test.
func Bounded(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), Patience)
	t.Cleanup(cancel)
	return ctx
}

// Briefly is a context for a question that has no answer.
func Briefly(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	t.Cleanup(cancel)
	return ctx
}

// Eventually waits until try is true, and fails the test after Patience.
func Eventually(t *testing.T, what string, try func() bool) {
	t.Helper()
	ctx := Bounded(t)
	ticker := time.NewTicker(10 * time.Millisecond)
	defer ticker.Stop()
	for !try() {
		select {
		case <-ticker.C:
		case <-ctx.Done():
			t.Fatal("waited in vain for " + what)
		}
	}
}

// WantError fails the test unless err is want, and says a text when one is given.
func WantError(t *testing.T, err, want error, text ...string) {
	t.Helper()
	if !errors.Is(err, want) || len(text) > 0 && err.Error() != text[0] {
		t.Errorf("%v, want %v %q", err, want, text)
	}
}
