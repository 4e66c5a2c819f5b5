// Command documents writes the documents that the package brings into a folder, in the same places as in the repository.
//
//	go run ./deploy/documents . FOLDER
//
// So the links between them work. A link to what the package does not bring leads to the repository's site.
package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: documents ROOT FOLDER")
		os.Exit(64)
	}
	if err := write(os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, "documents:", err)
		os.Exit(1)
	}
}

// brought are the documents of the package. Those for who changes sluice are left out.
var brought = []string{"README.md", "ARCHITECTURE.md", "SECURITY.md", "docs/*.md", "docs/architecture.svg", "docs/sluice.yaml", "docs/decisions/*.md"}

// site is where a reader finds what the package does not bring.
const site = "https://github.com/sluice-proxy/sluice/blob/main/"

// elsewhere are documents with a place and a name of Debian's.
var elsewhere = map[string]string{"CHANGELOG.md": "changelog.gz"}

// write copies the documents of the repository at root into folder.
func write(root, folder string) error {
	paths, err := documents(root)
	if err != nil {
		return err
	}
	for path := range paths {
		text, err := os.ReadFile(filepath.Join(root, path))
		if err != nil {
			return err
		}
		to := filepath.Join(folder, path)
		if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(to, []byte(relinked(path, string(text), paths)), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// documents are the paths of the documents, with slashes.
func documents(root string) (map[string]bool, error) {
	paths := map[string]bool{}
	for _, pattern := range brought {
		found, err := filepath.Glob(filepath.Join(root, pattern))
		if err != nil {
			return nil, err
		}
		if len(found) == 0 {
			return nil, fmt.Errorf("there is no %s", pattern)
		}
		for _, file := range found {
			path, err := filepath.Rel(root, file)
			if err != nil {
				return nil, err
			}
			paths[filepath.ToSlash(path)] = true
		}
	}
	return paths, nil
}

// link is a link of Markdown to a file. Examples, which are indented, have none.
var link = regexp.MustCompile(`(?m)^    .*$|\]\(([^():#\s]+)(#[^()\s]*)?\)`)

// relinked returns a document whose links to absent files lead elsewhere.
func relinked(path, text string, present map[string]bool) string {
	return link.ReplaceAllStringFunc(text, func(found string) string {
		m := link.FindStringSubmatch(found)
		if m[1] == "" {
			return found
		}
		target := filepath.ToSlash(filepath.Join(filepath.Dir(path), m[1]))
		switch place, moved := elsewhere[target]; {
		case present[target]:
			return found
		case moved:
			up := strings.Repeat("../", strings.Count(path, "/"))
			return "](" + up + place + ")"
		}
		return "](" + site + target + m[2] + ")"
	})
}
