package main

import (
	"fmt"
	"io/fs"
	"maps"
	"os"
	"regexp"
	"slices"

	"github.com/sluice-proxy/sluice/kafka"
)

// secretValues are the names of properties that are secrets themselves; secretFiles of those that name a file of
// secrets.
var (
	secretValues = regexp.MustCompile(`password|passphrase|secret|key\.pem|jaas|oauthbearer\.config`)
	secretFiles  = regexp.MustCompile(`key(store)?\.location$|keytab$|private\.key\.file$|assertion\.file$`)
)

// secretive are the files of a configuration that hold secrets, and what each is.
type secretive map[string]string

// secretProperties tells whether a property of the sets is a secret.
func secretProperties(c *kafka.Config) bool {
	for _, set := range propertySets(c) {
		for name, value := range set {
			if value != "" && secretValues.MatchString(name) {
				return true
			}
		}
	}
	return false
}

func propertySets(c *kafka.Config) []kafka.Properties {
	return append(slices.Collect(maps.Values(c.Profiles)), c.Properties, c.Producer, c.Consumer)
}

// addNamed adds the files that properties name.
func (s secretive) addNamed(c *kafka.Config) {
	for _, set := range propertySets(c) {
		for name, path := range set {
			if secretFiles.MatchString(name) {
				s[path] = name
			}
		}
	}
}

// check looks at who may read and write the files. What others may write is refused: they could have their own
// password there. What they may read is a warning, not more: orchestrators mount secrets like that, into containers that
// nobody else is in.
func (s secretive) check() (warnings []warning, err error) {
	for _, path := range slices.Sorted(maps.Keys(s)) {
		info, err := os.Stat(path)
		if err != nil || !info.Mode().IsRegular() {
			continue // who reads it says so; a pipe has no others
		}
		const group, others, read, write = 0o070, 0o007, 0o044, 0o022
		mode := info.Mode().Perm()
		switch {
		case mode&others&write != 0:
			return nil, fmt.Errorf("%s holds secrets (%s), and everybody may write it (mode %04o): chmod o-rwx,g-w %s", path, s[path], mode, path)
		case mode&others&read != 0:
			warnings = append(warnings, openly("everybody may read a file with secrets", path, s[path], mode))
		case mode&group&write != 0:
			warnings = append(warnings, openly("the group may write a file with secrets", path, s[path], mode))
		}
	}
	return warnings, nil
}

func openly(message, path, what string, mode fs.FileMode) warning {
	return warning{message, []any{"file", path, "holds", what, "mode", fmt.Sprintf("%04o", mode), "run", "chmod o-rwx,g-w " + path}}
}
