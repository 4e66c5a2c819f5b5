//go:build kafka

package harness

import (
	"context"
	"testing"
	"time"
)

func startKafka(t *testing.T, ctx context.Context, o KafkaOptions) *Kafka {
	t.Helper()
	k, err := StartKafka(ctx, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := k.Close(); err != nil {
			t.Error(err)
		}
	})
	return k
}

func TestAdminOnOneKafkaNode(t *testing.T) {
	ctx := within(t, 2*time.Minute)
	k := startKafka(t, ctx, KafkaOptions{NoAutoCreate: true})
	useAdmin(t, ctx, k.Brokers())
}

// A record that all have is still there, and writable topics stay writable, with one node of
// three frozen, killed, and back on its own ports and data.
func TestThreeKafkaNodesSurviveOne(t *testing.T) {
	ctx := within(t, 3*time.Minute)
	k := startKafka(t, ctx, KafkaOptions{Nodes: 3})
	admin, err := OpenAdmin(k.Brokers())
	if err != nil {
		t.Fatal(err)
	}
	defer admin.Close()
	if err := admin.CreateTopic(ctx, "letters", 1); err != nil {
		t.Fatal(err)
	}
	steps := []struct {
		name string
		do   func(*KafkaNode) error
	}{
		{"running", func(*KafkaNode) error { return nil }},
		{"frozen", (*KafkaNode).Pause},
		{"killed", (*KafkaNode).Kill},
		{"back", func(n *KafkaNode) error {
			if err := n.Start(); err != nil {
				return err
			}
			return k.Ready(ctx)
		}},
	}
	for _, step := range steps {
		if err := step.do(k.Nodes[0]); err != nil {
			t.Fatalf("%s: %v", step.name, err)
		}
		if err := admin.Produce(ctx, "letters", 0, nil, step.name); err != nil {
			t.Fatalf("%s: %v", step.name, err)
		}
	}
	expectValues(t, ctx, admin, "running", "frozen", "killed", "back")
}

func expectValues(t *testing.T, ctx context.Context, admin *Admin, want ...string) {
	t.Helper()
	records, err := admin.Records(ctx, "letters")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, r := range records {
		got = append(got, string(r.Value))
	}
	if len(got) != len(want) {
		t.Fatalf("got %q, want %q", got, want)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
