package web

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sluice-proxy/sluice/test/harness"
)

// startPatience bounds the start of any server.
const startPatience = time.Minute

// binary is the proxy under test, set by TestMain or built at its first use.
var binary = harness.OnceBinary(os.Getenv("SLUICE_BIN"))

func TestMain(m *testing.M) {
	status := m.Run()
	binary.Remove()
	os.Exit(status)
}

func TestConversationsKfake(t *testing.T) {
	fake, err := harness.StartFake(harness.FakeOptions{ACLs: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = fake.Close() })
	playAll(t, fake.Brokers())
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
	ctx, cancel := context.WithTimeout(t.Context(), startPatience)
	defer cancel()
	talk := &talk{names: newNames()}
	prepareTopics(t, ctx, s, talk, brokers)
	sluice := startSluice(t, ctx, s, brokers)
	talk.addr = sluice.HTTP
	if err := talk.play(s); err != nil {
		t.Errorf("%s: %v\nthe proxy's log:\n%s", file, err, sluice.Output())
	}
	select {
	case <-sluice.Done():
		t.Errorf("the proxy ended by itself:\n%s", sluice.Output())
	default:
	}
}

func prepareTopics(t *testing.T, ctx context.Context, s *script, to *talk, brokers []string) {
	t.Helper()
	admin, err := harness.OpenAdmin(brokers)
	if err != nil {
		t.Fatal(err)
	}
	defer admin.Close()
	for _, topic := range s.topics {
		if err := admin.CreateTopic(ctx, to.names.fill("<"+topic.name+">"), topic.partitions); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range s.denied {
		if err := admin.Deny(ctx, to.names.fill("<"+name+">")); err != nil {
			t.Fatal(err)
		}
	}
}

func startSluice(t *testing.T, ctx context.Context, s *script, brokers []string) *harness.Sluice {
	t.Helper()
	config := filepath.Join(t.TempDir(), "sluice.yaml")
	if err := os.WriteFile(config, []byte(strings.Join(s.config, "\n")+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	addr, err := harness.FreeAddr()
	if err != nil {
		t.Fatal(err)
	}
	sluice, err := harness.StartSluice(ctx, harness.SluiceOptions{
		Binary: binary.Path(t), Brokers: brokers, HTTP: addr, Args: []string{"--config", config},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = sluice.Close() })
	return sluice
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
