package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/sluice-proxy/sluice/test/harness"
)

// mutant is a deliberately wrong sluice: the body of one function is another. The checker must catch it, or its own
// silence means nothing.
type mutant struct {
	Name   string
	seam   string // names the function, see seams.go
	body   string // the new one
	before string // or what is done before the old one
	fault  string // during which it is caught
	rule   string // which it breaks
	web    bool   // at the HTTP door, not at the Redis door

	built chan built // once it is under way
}

// built is a wrong binary, or why there is none.
type built struct {
	path string
	err  error
}

// buildAll begins to compile mutants, one after the other, in folders below dir: trials wait much of their time.
func buildAll(ctx context.Context, dir string, mutants []*mutant) {
	for _, m := range mutants {
		m.built = make(chan built, 1)
	}
	go func() {
		for i, m := range mutants {
			own := filepath.Join(dir, fmt.Sprintf("mutant-%d", i))
			err := os.Mkdir(own, 0o700)
			path := ""
			if err == nil {
				path, err = m.build(ctx, own)
			}
			m.built <- built{path, err}
		}
	}()
}

var mutants = []*mutant{
	{
		Name: "answers before delivery", seam: "every-record-reported", body: "return true",
		fault: "brokers stopped, kill -9 of sluice", rule: ruleLost,
	},
	{
		Name: "commits what was handed out", seam: "record-delivered", before: "l.position = max(l.position, e.record.Offset+1)",
		fault: "kill -9 of sluice", rule: ruleNotAgain,
	},
	{
		Name: "forgets to commit", seam: "settled-not-committed", body: "return false",
		fault: "kill -9 of sluice", rule: ruleAckedAgain,
	},
	{
		Name: "forgets what is acknowledged beyond a gap", seam: "settled-beyond-a-gap", body: `return ""`,
		fault: "kill -9 of sluice", rule: ruleAckedAgain, web: true,
	},
	{
		Name: "takes a dead client's records for done", seam: "record-of-a-dead-client", body: "l.settle(e)",
		fault: "kill -9 of clients", rule: ruleNotAgain,
	},
	{
		Name: "never commits down", seam: "position-below-committed", body: "return false",
		fault: "committed beyond the end", rule: ruleNeverCame,
	},
	{
		Name: "does not count what is skipped", seam: "records-deleted", before: "from = to",
		fault: "retention passes a consumer", rule: ruleSkipped,
	},
	{
		Name: "leaves bystanders refused", seam: "batch-with-a-failure", body: "return false",
		fault: "records without key, compacted topic", rule: ruleBystander,
	},
	{
		Name: "rejects the records of a batch that is too large", seam: "batch-to-divide",
		before: "if r.Err == librdkafka.MessageTooLarge { return false }",
		fault:  "batches that are too large", rule: ruleInnocent,
	},
	{
		Name: "knows only the partitions that it knew", seam: "unknown-to-the-producer",
		before: "if code == librdkafka.UnknownPartition { return false }",
		fault:  "partitions added", rule: ruleInnocent, web: true,
	},
	{
		Name: "forgets attempts", seam: "record-failed", body: "l.fail(e, now)",
		fault: "records fail", rule: ruleAttempt,
	},
	{
		Name: "lets a key's records pass a failing one", seam: "extent-of-a-failing-record", before: "if extent == TheKey { extent = OnlyItself }",
		fault: "records fail", rule: ruleKeyOrder,
	},
	{
		Name: "does not settle what is dead", seam: "dead-letter-written", body: "return true",
		fault: "records fail", rule: ruleNeverCame,
	},
	{
		Name: "accepts before the dead letter is written", seam: "dead-letter-to-write",
		before: "s.mu.Lock(); if in := s.dispatch.Ledger(key.TopicPartition); in != nil { in.Bury(key.Offset) }; s.mu.Unlock()",
		fault:  "dead letters refused, kill -9 of sluice", rule: ruleNoLetter,
	},
}

// build compiles the mutant into dir and returns the path of the binary. The source is left alone.
func (m *mutant) build(ctx context.Context, dir string) (string, error) {
	root, err := harness.Root()
	if err != nil {
		return "", err
	}
	overlay, _, err := overlayOf(root, dir, m)
	if err != nil {
		return "", err
	}
	binary := filepath.Join(dir, "mutant")
	// Trials that go on meanwhile have the processors first.
	cmd := exec.CommandContext(ctx, "nice", "-n", "19", "go", "build", "-overlay", overlay, "-o", binary, "./cmd/sluice")
	cmd.Dir = root
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("mutant %q: go build: %w\n%s", m.Name, err, out)
	}
	return binary, nil
}

// overlayOf writes the files that mutants change, and the file that tells go build to use them. It also returns the
// folders of the packages that are changed.
func overlayOf(root, dir string, all ...*mutant) (overlay string, packages []string, err error) {
	edits, err := editsOf(root, all)
	if err != nil {
		return "", nil, err
	}
	replace := map[string]string{}
	for file, inFile := range edits {
		text, err := os.ReadFile(file)
		if err != nil {
			return "", nil, err
		}
		changed := filepath.Join(dir, fmt.Sprintf("changed-%d.go", len(replace)))
		if err := os.WriteFile(changed, edited(text, inFile), 0o600); err != nil {
			return "", nil, err
		}
		replace[file] = changed
		packages = append(packages, filepath.Dir(file))
	}
	text, err := json.Marshal(map[string]map[string]string{"Replace": replace})
	if err != nil {
		return "", nil, err
	}
	overlay = filepath.Join(dir, "overlay.json")
	return overlay, packages, os.WriteFile(overlay, text, 0o600)
}

// editsOf are the changes that mutants make, by the files.
func editsOf(root string, all []*mutant) (map[string][]edit, error) {
	found, err := seams(root)
	if err != nil {
		return nil, err
	}
	edits := map[string][]edit{}
	for _, m := range all {
		where, ok := found[m.seam]
		if !ok {
			return nil, fmt.Errorf("mutant %q: no function has the line %q above it", m.Name, seamDirective+m.seam)
		}
		if m.body == "" == (m.before == "") {
			return nil, fmt.Errorf("mutant %q needs a body, or what is done before the old one", m.Name)
		}
		edits[where.file] = append(edits[where.file], edit{where, m.body + m.before, m.body == ""})
	}
	return edits, nil
}
