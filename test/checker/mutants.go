package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/sluice-proxy/sluice/test/harness"
)

// mutant is a deliberately wrong sluice: one place of its source is replaced. The checker must catch
// it, or its own silence means nothing.
type mutant struct {
	Name  string
	file  string // below the module's root
	old   string // occurs in it exactly once
	new   string
	fault string // during which it is caught
	rule  string // which it breaks
	web   bool   // at the HTTP door, not at the Redis door
}

var mutants = []*mutant{
	{
		Name: "answers before delivery", file: "kafka/publisher.go",
		old: "p.awaited, p.asleep = end, int32(p.done-end) < 0", new: "p.awaited, p.asleep = end, false",
		fault: "brokers stopped, kill -9 of sluice", rule: ruleLost,
	},
	{
		Name: "commits what was handed out", file: "kafka/ledger.go",
		old:   "\tl.lending.lend(e.attempts)\n",
		new:   "\tl.lending.lend(e.attempts)\n\tl.position = max(l.position, e.record.Offset+1)\n",
		fault: "kill -9 of sluice", rule: ruleNotAgain,
	},
	{
		Name: "forgets to commit", file: "kafka/subscription.go",
		old: "at > f.stored {", new: "at > f.stored && at < 0 {",
		fault: "kill -9 of sluice", rule: ruleAckedAgain,
	},
	{
		Name: "takes a dead client's records for done", file: "kafka/ledger.go",
		old:   "if l.entries[i].owner == s {\n\t\t\tl.takeBack(&l.entries[i])",
		new:   "if l.entries[i].owner == s {\n\t\t\tl.settle(&l.entries[i])",
		fault: "kill -9 of clients", rule: ruleNotAgain,
	},
	{
		Name: "never commits down", file: "kafka/commit_down.go",
		old: "f.explicit && at >= 0 {", new: "f.explicit && at >= 0 && at < 0 {",
		fault: "committed beyond the end", rule: ruleNeverCame,
	},
	{
		Name: "does not count what is skipped", file: "kafka/log_start.go",
		old: "f.lane.ledger.Pass(from, to)", new: "f.lane.ledger.Pass(to, to)",
		fault: "retention passes a consumer", rule: ruleSkipped,
	},
	{
		Name: "leaves bystanders refused", file: "kafka/drain.go",
		old: "if anyFailed(run) {", new: "if false && anyFailed(run) {",
		fault: "records without key, compacted topic", rule: ruleBystander,
	},
	{
		Name: "rejects the records of a batch that is too large", file: "kafka/split.go",
		old: "return v.outcome == Retry || !told", new: "return v.outcome == Retry || r.Err != librdkafka.MessageTooLarge && !told",
		fault: "batches that are too large", rule: ruleInnocent,
	},
	{
		Name: "knows only the partitions that it knew", file: "kafka/produce.go",
		old: "librdkafka.UnknownPartition: true, librdkafka.Unk", new: "librdkafka.Unk",
		fault: "partitions added", rule: ruleInnocent, web: true,
	},
}

// build compiles the mutant into dir and returns the path of the binary. The source is left alone.
func (m *mutant) build(ctx context.Context, dir string) (string, error) {
	root, err := harness.Root()
	if err != nil {
		return "", err
	}
	overlay, err := m.overlay(root, dir)
	if err != nil {
		return "", fmt.Errorf("mutant %q: %w", m.Name, err)
	}
	binary := filepath.Join(dir, "mutant")
	cmd := exec.CommandContext(ctx, "go", "build", "-overlay", overlay, "-o", binary, "./cmd/sluice")
	cmd.Dir = root
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("mutant %q: go build: %w\n%s", m.Name, err, out)
	}
	return binary, nil
}

// overlay writes the changed file, and the file that tells go build to use it.
func (m *mutant) overlay(root, dir string) (string, error) {
	original := filepath.Join(root, filepath.FromSlash(m.file))
	text, err := os.ReadFile(original)
	if err != nil {
		return "", err
	}
	if n := strings.Count(string(text), m.old); n != 1 {
		return "", fmt.Errorf("%s has %d times, not once, what the mutant changes: %q", m.file, n, m.old)
	}
	changed := filepath.Join(dir, "changed.go")
	mutated := strings.Replace(string(text), m.old, m.new, 1)
	if err := os.WriteFile(changed, []byte(mutated), 0o600); err != nil {
		return "", err
	}
	replace, err := json.Marshal(map[string]map[string]string{"Replace": {original: changed}})
	if err != nil {
		return "", err
	}
	overlay := filepath.Join(dir, "overlay.json")
	return overlay, os.WriteFile(overlay, replace, 0o600)
}
