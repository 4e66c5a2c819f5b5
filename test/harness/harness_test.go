package harness

import (
	"context"
	"io"
	"strings"
	"testing"
	"time"
)

func within(t *testing.T, d time.Duration) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	t.Cleanup(cancel)
	return ctx
}

func TestProcessThatNeverGetsReadyTellsItsOwnWords(t *testing.T) {
	p, err := start("sh", "-c", "echo no such luck; exit 3")
	if err != nil {
		t.Fatal(err)
	}
	ctx := within(t, 20*time.Second)
	err = p.ready(ctx, func(context.Context) error { return io.ErrNoProgress })
	if err == nil || !strings.Contains(err.Error(), "no such luck") {
		t.Errorf("got %v", err)
	}
	if ctx.Err() != nil {
		t.Error("waited for the deadline, not for the end of the process")
	}
	if status, err := p.Wait(ctx); status != 3 || err != nil {
		t.Errorf("status %d, %v", status, err)
	}
}

func TestFreePortsAreDifferent(t *testing.T) {
	ports, err := FreePorts(50)
	if err != nil {
		t.Fatal(err)
	}
	seen := map[int]bool{}
	for _, p := range ports {
		if seen[p] {
			t.Fatalf("port %d twice", p)
		}
		seen[p] = true
	}
}

func TestOutputKeepsTheEnd(t *testing.T) {
	var o output
	line := strings.Repeat("x", 1023) + "\n"
	for range 2 * outputKept / len(line) {
		_, _ = o.Write([]byte(line))
	}
	_, _ = o.Write([]byte("last words"))
	if got := o.String(); len(got) > outputKept || !strings.HasSuffix(got, "last words") {
		t.Errorf("%d bytes kept, ending in %q", len(got), got[len(got)-20:])
	}
}

func TestAdminOnTheFakeCluster(t *testing.T) {
	fake, err := StartFake(FakeOptions{Brokers: 3, NoAutoCreate: true})
	if err != nil {
		t.Fatal(err)
	}
	defer fake.Close()
	useAdmin(t, within(t, 30*time.Second), fake.Brokers())
}

// useOrders changes the topic that useAdmin left with two records in partition 2.
func useOrders(t *testing.T, ctx context.Context, admin *Admin) {
	t.Helper()
	if err := admin.Commit(ctx, "somebody", "letters", 2, 5000); err != nil {
		t.Fatal(err)
	}
	if at, err := admin.Committed(ctx, "somebody", "letters", 2); at != 5000 || err != nil {
		t.Errorf("committed %d, %v", at, err)
	}
	if err := admin.DeleteRecords(ctx, "letters", 2, 1); err != nil {
		t.Fatal(err)
	}
	starts, err := admin.StartOffsets(ctx, "letters")
	if err != nil || len(starts) != 3 || starts[2] != 1 {
		t.Errorf("starts %v, %v", starts, err)
	}
	records, err := admin.Records(ctx, "letters")
	if err != nil || len(records) != 1 || string(records[0].Value) != "b" {
		t.Errorf("what is left: %v, %v", records, err)
	}
	if err := admin.AddPartitions(ctx, "letters", 5); err != nil {
		t.Error(err)
	}
	err = admin.CreateTopicAs(ctx, "numbers", TopicOptions{
		Partitions: 2, Properties: map[string]string{"max.message.bytes": "102400"},
	})
	if err != nil {
		t.Error(err)
	}
}

// useAdmin is the same conversation for every kind of cluster.
func useAdmin(t *testing.T, ctx context.Context, brokers []string) {
	t.Helper()
	admin, err := OpenAdmin(brokers)
	if err != nil {
		t.Fatal(err)
	}
	defer admin.Close()
	if _, err := admin.Partitions(ctx, "letters"); err == nil {
		t.Fatal("a topic that nobody created exists")
	}
	if err := admin.CreateTopic(ctx, "letters", 3); err != nil {
		t.Fatal(err)
	}
	if err := admin.CreateTopic(ctx, "letters", 3); err == nil {
		t.Error("created twice")
	}
	if err := admin.Produce(ctx, "letters", 2, []byte("k"), "a", "b"); err != nil {
		t.Fatal(err)
	}
	ends, err := admin.EndOffsets(ctx, "letters")
	if err != nil || len(ends) != 3 || ends[2] != 2 || ends[0] != 0 {
		t.Fatalf("ends %v, %v", ends, err)
	}
	records, err := admin.Records(ctx, "letters")
	if err != nil || len(records) != 2 || string(records[1].Value) != "b" || string(records[0].Key) != "k" {
		t.Fatalf("records %v, %v", records, err)
	}
	if at, err := admin.Committed(ctx, "nobody", "letters", 0); at != -1 || err != nil {
		t.Errorf("committed %d, %v", at, err)
	}
	useOrders(t, ctx, admin)
	if err := admin.DeleteTopic(ctx, "letters"); err != nil {
		t.Error(err)
	}
}
