//go:build clients

package pages

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/sluice-proxy/sluice/test/harness/harnesstest"
)

// elsewhere are commands of the page of failures that need a state or a file that only its text describes.
var elsewhere = regexp.MustCompile(`^(export|sluice (serve|check|ctl)) `)

// Whoever pastes docs/failures.md has a record tried again, and sees two dead letters.
func TestFailuresAsPasted(t *testing.T) {
	t.Parallel()
	harnesstest.Need(t, "jq", "--version")
	ctx := harnesstest.Within(t, patience)
	s := open(t)
	if err := os.Symlink(harnesstest.Binary(), filepath.Join(s.dir, "sluice")); err != nil {
		t.Fatal(err)
	}
	state := filepath.Join(s.dir, "state")
	s.env = append(s.env, "PATH="+s.dir+":"+os.Getenv("PATH"), "SLUICE_CONTROL="+filepath.Join(state, "sluice.sock"))
	all := steps(t, "docs/failures.md", "")
	s.start(t, all[0].paste, "").ends(t)
	proxy := harnesstest.Sluice(t, ctx, sluice(t, "--config", filepath.Join(s.dir, "failures.yaml"), "--state-dir", state))
	shown, ran := &leases{}, 0
	for _, step := range all[1:] {
		if !elsewhere.MatchString(step.command) {
			ran++
			s.do(t, "docs/failures.md", step.at(proxy), shown)
		}
	}
	if ran < 12 {
		t.Errorf("docs/failures.md has only %d commands", ran)
	}
}
