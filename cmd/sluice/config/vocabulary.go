package config

import (
	"fmt"
	"slices"
	"strings"
)

// vocabulary holds the keys that a file may use, and finds suggestions for unknown keys.
type vocabulary struct {
	settings map[string]setting
	sections map[string][]string // keys and sections directly below, by section name
}

func newVocabulary(settings []setting) vocabulary {
	v := vocabulary{map[string]setting{}, map[string][]string{}}
	for _, s := range settings {
		v.settings[s.name] = s
		v.add(s.name)
	}
	return v
}

// add enters a name below its section, and the section below its own section.
func (v vocabulary) add(name string) {
	section, key := "", name
	if dot := strings.LastIndexByte(name, '.'); dot >= 0 {
		section, key = name[:dot], name[dot+1:]
		v.add(section)
	}
	if !slices.Contains(v.sections[section], key) {
		v.sections[section] = append(v.sections[section], key)
	}
}

func (v vocabulary) isSection(name string) bool { return len(v.sections[name]) > 0 }

// unknown returns the error text for a key that a section does not have.
func (v vocabulary) unknown(section, key string) string {
	text := fmt.Sprintf("unknown key %q", key)
	if section != "" {
		text += " under " + section
	}
	// The same word in another section is a better guess than a similar word in this section.
	if elsewhere := v.elsewhere(key); elsewhere != "" {
		return fmt.Sprintf("%s (did you mean %s?)", text, elsewhere)
	}
	if near := nearest(key, v.sections[section]); near != "" {
		return fmt.Sprintf("%s (did you mean %q?)", text, near)
	}
	return text
}

// elsewhere returns the settings of other sections whose last word is the key.
func (v vocabulary) elsewhere(key string) string {
	var found []string
	for name := range v.settings {
		if strings.HasSuffix(name, "."+key) {
			found = append(found, name)
		}
	}
	slices.Sort(found)
	return strings.Join(found, " or ")
}

// nearest returns the candidate that one or two typing errors turn into word, or "".
func nearest(word string, candidates []string) string {
	best, bound := "", 1+len(word)/4
	for _, candidate := range candidates {
		if d := distance(word, candidate); d <= bound && (best == "" || d < distance(word, best)) {
			best = candidate
		}
	}
	return best
}

// distance counts the insertions, deletions, replacements and swaps of neighbours that turn a into b.
func distance(a, b string) int {
	rows := make([][]int, len(a)+1)
	for i := range rows {
		rows[i] = make([]int, len(b)+1)
		rows[i][0] = i
	}
	for j := range b {
		rows[0][j+1] = j + 1
	}
	for i := 1; i <= len(a); i++ {
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			rows[i][j] = min(rows[i-1][j]+1, rows[i][j-1]+1, rows[i-1][j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				rows[i][j] = min(rows[i][j], rows[i-2][j-2]+1)
			}
		}
	}
	return rows[len(a)][len(b)]
}
