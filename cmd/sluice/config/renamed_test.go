package config

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Loading and reloading name the new name of an old one, with its place.
func TestOldNamesNameTheNewOnes(t *testing.T) {
	known := newVocabulary(Default().settings()).settings
	for _, r := range renamed {
		if _, there := known[r.old]; there {
			t.Errorf("%s is a setting still", r.old)
		}
		s, there := known[r.name]
		if !there {
			t.Errorf("%s, once %s, is no setting", r.name, r.old)
			continue
		}
		section, key, _ := strings.Cut(r.old, ".")
		old := section + ":\n  " + key + ": " + s.kind.show() + "\n"
		want := fmt.Sprintf("2:3: %s is called %s now", r.old, r.name)
		if _, err := read(old); err == nil || err.Error() != "sluice.yaml:"+want {
			t.Errorf("%q: %v, want %s", old, err, want)
		}

		flags, running := started(t, "kafka: {brokers: [a]}\n")
		rewrite(t, flags.Config, old)
		want = flags.Config + ":" + want
		var bad Error
		if _, _, err := flags.Load(); !errors.As(err, &bad) || err.Error() != want {
			t.Errorf("load: %v, want %s", err, want)
		}
		if reload, err := flags.Reload(running); reload != nil || !errors.As(err, &bad) || err.Error() != want {
			t.Errorf("reload: %v, want %s", err, want)
		}
	}
}

func TestOldSectionsNameTheNewOnes(t *testing.T) {
	for content, want := range map[string]string{
		"drain:\n":               "sluice.yaml:1:1: there is no section drain any more: drain.grace is called drain_grace now",
		"drain: 5s\n":            "sluice.yaml:1:1: there is no section drain any more: drain.grace is called drain_grace now",
		"member: {}\n":           "sluice.yaml:1:1: there is no section member any more: member.grace is called consume.member_grace now",
		"subscription: {x: 1}\n": `sluice.yaml:1:16: unknown key "x" under subscription`,
		"drain.grace: 5s\n":      "sluice.yaml:1:1: drain.grace is called drain_grace now",
		"limits: {args: 1}\nmember: {grace: 1s}\n": "sluice.yaml:1:10: limits.args is called resp.limits.args now\n" +
			"sluice.yaml:2:10: member.grace is called consume.member_grace now",
	} {
		_, err := read(content)
		if diff := cmp.Diff(want, fmt.Sprint(err)); diff != "" {
			t.Errorf("%q (-want +got):\n%s", content, diff)
		}
	}
}
