package rest

import (
	"context"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sluice-proxy/sluice/test/harness"
	"github.com/sluice-proxy/sluice/test/harness/harnesstest"
)

// startPatience bounds the start of any server.
const startPatience = time.Minute

func TestMain(m *testing.M) { harnesstest.MainWaiting(m) }

func TestConversationsKfake(t *testing.T) {
	playAll(t, harnesstest.Fake(t, harness.FakeOptions{ACLs: true}).Brokers())
}

func playAll(t *testing.T, brokers []string) {
	t.Helper()
	files, err := filepath.Glob("*.http")
	if err != nil || len(files) == 0 {
		t.Fatalf("no conversations: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(file, ".http"), func(t *testing.T) {
			t.Parallel()
			play(t, file, brokers)
		})
	}
}

// play starts a proxy of its own for one conversation.
func play(t *testing.T, file string, brokers []string) {
	t.Helper()
	s, err := load(file)
	if err != nil {
		t.Fatal(err)
	}
	ctx := harnesstest.Within(t, startPatience)
	talk := &talk{names: newNames()}
	prepareTopics(t, ctx, s, talk, brokers)
	sluice := startSluice(t, ctx, s, brokers)
	talk.addr = sluice.HTTP
	if err := talk.play(s); err != nil {
		t.Errorf("%s: %v", file, err)
	}
	select {
	case <-sluice.Done():
		t.Error("the proxy ended by itself")
	default:
	}
}

func prepareTopics(t *testing.T, ctx context.Context, s *script, to *talk, brokers []string) {
	t.Helper()
	admin := harnesstest.Admin(t, brokers)
	for _, topic := range s.topics {
		harnesstest.Topic(t, ctx, admin, to.names.fill("<"+topic.name+">"), topic.partitions)
	}
	for _, name := range s.denied {
		if err := admin.Deny(ctx, to.names.fill("<"+name+">")); err != nil {
			t.Fatal(err)
		}
	}
}

func startSluice(t *testing.T, ctx context.Context, s *script, brokers []string) *harness.Sluice {
	t.Helper()
	return harnesstest.Sluice(t, ctx, harness.SluiceOptions{
		Brokers: brokers, HTTP: harnesstest.FreeAddr(t), Args: []string{"--config", harnesstest.Config(t, s.config...)},
	})
}

// A comparison that takes anything would make every conversation pass.
func TestMatching(t *testing.T) {
	for _, test := range []struct {
		template, got string
		matches       bool
	}{
		{`{"a":<n>}`, `{"a":12}`, true},
		{`{"a":<n>}`, `{"a":"b"}`, false},
		{`{"a":<n>}`, `{"a":12} `, false},
		{`{"a":"<any>"}`, `{"a":"what. ever"}`, true},
		{`{"a":"<x>","b":"<x>"}`, `{"a":"1","b":"1"}`, true},
		{`{"a":"<x>","b":"<x>"}`, `{"a":"1","b":"2"}`, false},
		{`[<kept>]`, `[kept value]`, true},
		{`[<kept>]`, `[another]`, false},
		{`{<all>}`, "{\"a\":1,\n\"b\":2}", true},
		{`a.c`, `abc`, false},
		{``, `something`, false},
	} {
		n := &names{suffix: "1", values: map[string]string{"<kept>": "kept value"}}
		if err := n.match(test.template, test.got); (err == nil) != test.matches {
			t.Errorf("%s against %s: %v", test.got, test.template, err)
		}
	}
}
