package config

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// yamlFile reads one configuration file into settings. It collects all mistakes, so that an operator can correct a file
// in one go.
type yamlFile struct {
	*reading

	path string
	keys vocabulary
	errs []error
}

// nodeReader reads the list or map below a key. It adds mistakes to the file.
type nodeReader func(f *yamlFile, name string, node ast.Node)

// reading is what is noticed while files are read.
type reading struct {
	warnings []Warning
	written  map[string]bool   // the settings that a file has
	places   map[string]string // where a librdkafka property was written last, by its key: kafka.producer.linger.ms
}

func newReading() *reading { return &reading{written: map[string]bool{}, places: map[string]string{}} }

// loadYAML applies the file at path to the settings. Its error has all mistakes, one a line, in the form
// file:line:column: text.
func (r *reading) loadYAML(path string, settings []setting) error {
	content, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("--config: %w", err)
	}
	return r.readYAML(path, content, settings)
}

func (r *reading) readYAML(path string, content []byte, settings []setting) error {
	f := &yamlFile{reading: r, path: path, keys: newVocabulary(settings)}
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
	return errors.Join(f.errs...)
}

func (f *yamlFile) syntax(err error) error {
	var bad yaml.Error
	if !errors.As(err, &bad) || bad.GetToken() == nil {
		return fmt.Errorf("%s: %w", f.path, err)
	}
	what := bad.GetMessage()
	if behindAlias(bad.GetToken()) {
		what += ": a pattern that begins with * stands in quotes"
	}
	return f.errorAt(bad.GetToken(), what)
}

// behindAlias tells whether a token is an alias, or follows one and a colon. YAML takes a pattern without quotes for one.
func behindAlias(t *token.Token) bool {
	for range 3 {
		if t == nil || t.Type == token.AliasType {
			break
		}
		t = t.Prev
	}
	return t != nil && t.Type == token.AliasType
}

// errorAt returns a mistake with its place.
func (f *yamlFile) errorAt(at *token.Token, what string) error {
	return fmt.Errorf("%s: %s", f.place(at), what)
}

// place is where a token is, in the form that editors jump to.
func (f *yamlFile) place(at *token.Token) string {
	return fmt.Sprintf("%s:%d:%d", f.path, at.Position.Line, at.Position.Column)
}

// ignored warns of a property that sluice sets itself.
func (f *yamlFile) ignored(at ast.Node, property, reason string) {
	f.warnings = append(f.warnings, ignoredProperty(f.place(firstToken(at)), property, reason))
}

// wrong adds a mistake.
func (f *yamlFile) wrong(at ast.Node, format string, args ...any) {
	f.errs = append(f.errs, f.errorAt(firstToken(at), fmt.Sprintf(format, args...)))
}

// firstToken returns the first token of a node. The parser's own token of a block mapping is the colon behind its first
// key.
func firstToken(node ast.Node) *token.Token {
	if m, ok := node.(*ast.MappingNode); ok && !m.IsFlowStyle && len(m.Values) > 0 {
		return m.Values[0].Key.GetToken()
	}
	return node.GetToken()
}

// section applies the keys of a mapping; name is "" at the top of the file.
func (f *yamlFile) section(name string, node ast.Node) {
	f.mapping(name, node, func(key string, at ast.MapKeyNode, value ast.Node) {
		full := join(name, key)
		if text := newName(full); text != "" {
			f.wrong(at, "%s", text)
			return
		}
		if strings.Contains(key, ".") { // with two ways to write a key, a file could have it twice
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
		if text := f.keys.newNames(full); text != "" {
			f.formerSection(full, at, value, text)
			return
		}
		f.wrong(at, "%s", f.keys.unknown(name, key))
	})
}

// formerSection adds a mistake for each key of a section that was removed, or one for the section if it has no keys.
func (f *yamlFile) formerSection(name string, at ast.MapKeyNode, value ast.Node, newNames string) {
	before := len(f.errs)
	if _, nested := value.(ast.MapNode); nested {
		f.section(name, value)
	}
	if len(f.errs) == before {
		f.wrong(at, "there is no section %s any more: %s", name, newNames)
	}
}

// mapping visits the keys of a mapping. A missing value counts as an empty mapping, so that a section stays valid when
// all of its keys are commented out.
func (f *yamlFile) mapping(name string, node ast.Node, visit func(string, ast.MapKeyNode, ast.Node)) {
	switch m := node.(type) {
	case *ast.NullNode:
	case ast.MapNode:
		for it := m.MapRange(); it.Next(); {
			visit(it.Key().GetToken().Value, it.Key(), it.Value())
		}
	default:
		f.wrong(node, "%s: needs keys below it, not %s", cmp.Or(name, "the file"), describe(node))
	}
}

// keyed applies the keys of a mapping that is part of a setting.
func (f *yamlFile) keyed(name string, node ast.Node, keys map[string]kind) {
	f.mapping(name, node, func(key string, at ast.MapKeyNode, value ast.Node) {
		k, known := keys[key]
		if !known {
			verb := "are"
			if len(keys) == 1 {
				verb = "is only"
			}
			f.wrong(at, "unknown key %q in %s: there %s %s", key, name, verb, strings.Join(slices.Sorted(maps.Keys(keys)), ", "))
			return
		}
		f.value(join(name, key), value, k)
	})
}

func (f *yamlFile) apply(s setting, value ast.Node) {
	f.written[s.name] = true
	f.value(s.name, value, s.kind)
}

func (f *yamlFile) value(name string, value ast.Node, k kind) {
	if k.node != nil {
		k.node(f, name, value)
		return
	}
	f.scalar(name, value, k.parse)
}

// scalar parses the text of a single value, and adds the parser's error.
func (f *yamlFile) scalar(name string, value ast.Node, parse func(string) error) {
	given, err := scalarText(value)
	if err == nil {
		err = parse(given)
	}
	if err != nil {
		f.wrong(value, "%s: %v", name, err)
	}
}

// scalarText returns a scalar as the file has it: 007 stays 007, and true is a text where a setting needs one.
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
	case *ast.MappingNode:
		if text, ok := withColon(n); ok {
			return text, nil
		}
	}
	return "", fmt.Errorf("needs a single value, not %s", describe(node))
}

// withColon is a text with a colon in it: in brackets within braces the parser takes kafka1:9092 for a map. YAML wants a
// space behind the colon of a map.
func withColon(node *ast.MappingNode) (string, bool) {
	if node.IsFlowStyle || len(node.Values) != 1 {
		return "", false
	}
	pair := node.Values[0]
	colon, value := pair.Start.Position, firstToken(pair.Value).Position
	if colon.Line != value.Line || colon.Column+1 != value.Column {
		return "", false
	}
	rest, err := scalarText(pair.Value)
	return pair.Key.GetToken().Value + ":" + rest, err == nil
}

// describe returns what a node is, in the words of an error.
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

// join returns the full name of a key.
func join(section, key string) string {
	if section == "" {
		return key
	}
	return section + "." + key
}
