package config

import (
	"fmt"
	"io/fs"
	"maps"
	"os"
	"regexp"
	"slices"

	"github.com/sluice-proxy/sluice/kafka"
)

// secretValues matches properties that are secrets. secretPaths matches properties that name a file of secrets.
var (
	secretValues = regexp.MustCompile(`password|passphrase|secret|key\.pem|jaas|oauthbearer\.config`)
	secretPaths  = regexp.MustCompile(`key(store)?\.location$|keytab$|private\.key\.file$|assertion\.file$`)
)

// secretFiles are the paths of files that hold secrets, each with what it holds.
type secretFiles map[string]string

// hasSecret reports whether a property of Kafka's configuration is a secret.
func hasSecret(c *kafka.Config) bool {
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
func (s secretFiles) addNamed(c *kafka.Config) {
	for _, set := range propertySets(c) {
		for name, path := range set {
			if secretPaths.MatchString(name) {
				s[path] = name
			}
		}
	}
}

// check checks the permissions of the files. A file that everybody may write is an error: anybody could put a password
// into it. A file that everybody may read is a warning only: orchestrators mount secrets like that into containers, and
// there are no other users inside.
func (s secretFiles) check() (warnings []Warning, err error) {
	for _, path := range slices.Sorted(maps.Keys(s)) {
		info, err := os.Stat(path)
		if err != nil || !info.Mode().IsRegular() {
			continue // its reader reports a missing file; nobody else can read a pipe
		}
		const group, others, read, write = 0o070, 0o007, 0o044, 0o022
		mode := info.Mode().Perm()
		switch {
		case mode&others&write != 0:
			return nil, fmt.Errorf("%s holds secrets (%s), and everybody may write it (mode %04o): chmod o-rwx,g-w %s", path, s[path], mode, path)
		case mode&others&read != 0:
			warnings = append(warnings, permissionWarning("everybody may read a file with secrets", path, s[path], mode))
		case mode&group&write != 0:
			warnings = append(warnings, permissionWarning("the group may write a file with secrets", path, s[path], mode))
		}
	}
	return warnings, nil
}

func permissionWarning(message, path, what string, mode fs.FileMode) Warning {
	return Warning{message, []any{"file", path, "holds", what, "mode", fmt.Sprintf("%04o", mode), "run", "chmod o-rwx,g-w " + path}}
}
