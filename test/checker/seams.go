package main

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// A seam is a named function of the product: a comment line `//checker:seam NAME` stands above it. Mutants change what
// is inside, wherever the function goes and whatever it is called.
const seamDirective = "//checker:seam "

// seam is where a function's body lies.
type seam struct {
	file       string
	begin, end int // offsets of its braces in the file
}

// seams are all seams of the module at root, by their names. A name that stands twice is an error.
func seams(root string) (map[string]seam, error) {
	found := map[string]seam{}
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && isForeign(root, path):
			return fs.SkipDir
		case entry.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go"):
			return nil
		}
		return addSeams(found, path)
	})
	return found, err
}

// isForeign tells whether a folder holds no code of the product: tests, tools, and what begins with a dot.
func isForeign(root, path string) bool {
	return path == filepath.Join(root, "test") || path != root && strings.HasPrefix(filepath.Base(path), ".")
}

// addSeams adds those of one file.
func addSeams(to map[string]seam, path string) error {
	text, err := os.ReadFile(path)
	if err != nil || !bytes.Contains(text, []byte(seamDirective)) {
		return err
	}
	files := token.NewFileSet()
	file, err := parser.ParseFile(files, path, text, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return err
	}
	above := 0
	for _, declaration := range file.Decls {
		function, ok := declaration.(*ast.FuncDecl)
		if !ok || function.Doc == nil || function.Body == nil {
			continue
		}
		for _, name := range namesIn(function.Doc) {
			if other, twice := to[name]; twice {
				return fmt.Errorf("the seam %q stands twice: in %s and in %s", name, other.file, path)
			}
			to[name] = seam{path, files.Position(function.Body.Lbrace).Offset, files.Position(function.Body.Rbrace).Offset}
			above++
		}
	}
	if all := bytes.Count(text, []byte("\n"+seamDirective)); above != all {
		return fmt.Errorf("%s has %d seams, of which %d stand above a function", path, all, above)
	}
	return nil
}

// namesIn are the seams that a function's comment names.
func namesIn(doc *ast.CommentGroup) (names []string) {
	for _, line := range doc.List {
		if name, ok := strings.CutPrefix(line.Text, seamDirective); ok {
			names = append(names, strings.TrimSpace(name))
		}
	}
	return names
}

// edit is another body for a function.
type edit struct {
	seam

	body string
	more bool // the old body follows
}

// edited is a file's text with other bodies in some seams.
func edited(text []byte, edits []edit) []byte {
	slices.SortFunc(edits, func(a, b edit) int { return b.begin - a.begin }) // the last first: the others stay where they are
	for _, e := range edits {
		body := "\n\t" + e.body + "\n"
		if e.more {
			body += string(text[e.begin+1 : e.end])
		}
		text = slices.Concat(text[:e.begin+1], []byte(body), text[e.end:])
	}
	return text
}
