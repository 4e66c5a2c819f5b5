package main

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// yamlFile reads one configuration file into settings and collects every mistake on the way, so
// that an operator repairs a file in one go.
type yamlFile struct {
	path   string
	keys   vocabulary
	faults []error
}

// nodeReader reads the list or map under a key; mistakes go to the file.
type nodeReader func(f *yamlFile, name string, node ast.Node)

// loadYAML applies the file at path to the settings. The error joins all mistakes, one a line, each
// as file:line:column: what is wrong.
func loadYAML(path string, settings []setting) error {
	content, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("--config: %w", err)
	}
	return readYAML(path, content, settings)
}

func readYAML(path string, content []byte, settings []setting) error {
	f := &yamlFile{path: path, keys: newVocabulary(settings)}
	parsed, err := parser.ParseBytes(content, 0)
	if err != nil {
		return f.syntax(err)
	}
	for i, doc := range parsed.Docs {
		switch {
		case doc.Body == nil:
		case i > 0:
			f.wrong(doc.Body, "a second document; a configuration is one")
		default:
			f.section("", doc.Body)
		}
	}
	return errors.Join(f.faults...)
}

func (f *yamlFile) syntax(err error) error {
	var bad yaml.Error
	if !errors.As(err, &bad) || bad.GetToken() == nil {
		return fmt.Errorf("%s: %w", f.path, err)
	}
	return f.fault(bad.GetToken(), bad.GetMessage())
}

// fault is a mistake with the place that editors jump to.
func (f *yamlFile) fault(at *token.Token, what string) error {
	return fmt.Errorf("%s:%d:%d: %s", f.path, at.Position.Line, at.Position.Column, what)
}

func (f *yamlFile) wrong(at ast.Node, format string, args ...any) {
	f.faults = append(f.faults, f.fault(start(at), fmt.Sprintf(format, args...)))
}

// start is a node's first token. A block mapping names the colon after its first key instead.
func start(node ast.Node) *token.Token {
	if m, ok := node.(*ast.MappingNode); ok && !m.IsFlowStyle && len(m.Values) > 0 {
		return m.Values[0].Key.GetToken()
	}
	return node.GetToken()
}

// section applies the keys of a mapping; name is "" at the top of the file.
func (f *yamlFile) section(name string, node ast.Node) {
	f.mapping(name, node, func(key string, at ast.MapKeyNode, value ast.Node) {
		full := join(name, key)
		if complaint := newName(full); complaint != "" {
			f.wrong(at, "%s", complaint)
			return
		}
		if strings.Contains(key, ".") { // one way to write a thing, or it could be written twice
			f.wrong(at, "unknown key %q: sections are nested, with a colon after each", key)
			return
		}
		if s, known := f.keys.settings[full]; known {
			f.apply(s, value)
			return
		}
		if f.keys.isSection(full) {
			f.section(full, value)
			return
		}
		if complaint := f.keys.newNames(full); complaint != "" {
			f.formerSection(full, at, value, complaint)
			return
		}
		f.wrong(at, "%s", f.keys.unknown(name, key))
	})
}

// formerSection complains about each key of a section that is no more, or about the section if it has none.
func (f *yamlFile) formerSection(name string, at ast.MapKeyNode, value ast.Node, complaint string) {
	before := len(f.faults)
	if _, nested := value.(ast.MapNode); nested {
		f.section(name, value)
	}
	if len(f.faults) == before {
		f.wrong(at, "there is no section %s any more: %s", name, complaint)
	}
}

// mapping visits the keys of a mapping. Nothing at all counts as an empty one, so that a section
// whose keys are all commented out stays valid.
func (f *yamlFile) mapping(name string, node ast.Node, visit func(string, ast.MapKeyNode, ast.Node)) {
	switch m := node.(type) {
	case *ast.NullNode:
	case ast.MapNode:
		for it := m.MapRange(); it.Next(); {
			visit(it.Key().GetToken().Value, it.Key(), it.Value())
		}
	default:
		f.wrong(node, "%s: needs keys below it, not %s", or(name, "the file"), describe(node))
	}
}

func (f *yamlFile) apply(s setting, value ast.Node) {
	if s.kind.node != nil {
		s.kind.node(f, s.name, value)
		return
	}
	f.scalar(s.name, value, s.kind.parse)
}

// scalar hands the text of a single value to parse and puts its complaint in place.
func (f *yamlFile) scalar(name string, value ast.Node, parse func(string) error) {
	given, err := scalarText(value)
	if err == nil {
		err = parse(given)
	}
	if err != nil {
		f.wrong(value, "%s: %v", name, err)
	}
}

// scalarText is a scalar as it was written: 007 stays 007, and true is a text where one is needed.
func scalarText(node ast.Node) (string, error) {
	switch n := node.(type) {
	case *ast.StringNode:
		return n.Value, nil
	case *ast.LiteralNode:
		return n.Value.Value, nil
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode, *ast.InfinityNode, *ast.NanNode:
		return n.GetToken().Value, nil
	case *ast.NullNode:
		return "", errors.New("has no value")
	}
	return "", fmt.Errorf("needs a single value, not %s", describe(node))
}

func describe(node ast.Node) string {
	switch node.(type) {
	case ast.MapNode:
		return "a map"
	case *ast.SequenceNode:
		return "a list"
	case *ast.AnchorNode, *ast.AliasNode, *ast.TagNode:
		return "an anchor, an alias or a tag"
	case *ast.NullNode:
		return "nothing"
	}
	return fmt.Sprintf("%q", strings.TrimSpace(node.String()))
}

func join(section, key string) string {
	if section == "" {
		return key
	}
	return section + "." + key
}

func or(name, otherwise string) string {
	if name == "" {
		return otherwise
	}
	return name
}
