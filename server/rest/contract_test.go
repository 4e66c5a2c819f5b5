package rest

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// contract is openapi.json as what every answer of every test must keep to.
type contract struct {
	doc      object
	paths    *http.ServeMux // finds the path of the document that a request is for
	compiler *jsonschema.Compiler

	mu      sync.Mutex // guards what follows
	schemas map[string]*jsonschema.Schema
	shown   map[string]bool // pointers to the answers that some test got
}

// theContract is read once.
var theContract = sync.OnceValue(func() *contract {
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(openapiText))
	if err != nil {
		panic(err)
	}
	c := &contract{doc: doc.(object), paths: http.NewServeMux(), compiler: jsonschema.NewCompiler()}
	c.schemas, c.shown = map[string]*jsonschema.Schema{}, map[string]bool{}
	c.compiler.DefaultDraft(jsonschema.Draft2020)
	if err := c.compiler.AddResource("file:///openapi.json", doc); err != nil {
		panic(err)
	}
	for path := range inside(c.doc, "paths") {
		if path == "/" {
			path = "/{$}"
		}
		c.paths.HandleFunc(path, http.NotFound)
	}
	return c
})

var escapes = strings.NewReplacer("~", "~0", "/", "~1")

// follow is what is at names, through references, and where that is.
func (c *contract) follow(names ...string) (object, []string) {
	found := inside(c.doc, names...)
	for {
		ref, is := found["$ref"].(string)
		if !is {
			return found, names
		}
		names = strings.Split(strings.TrimPrefix(ref, "#/"), "/") // no name of ours has a slash
		found = inside(c.doc, names...)
	}
}

// schema compiles what is at names.
func (c *contract) schema(names ...string) (*jsonschema.Schema, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	at := pointer(names...)
	if known := c.schemas[at]; known != nil {
		return known, nil
	}
	compiled, err := c.compiler.Compile("file:///openapi.json#" + (&url.URL{Path: at}).EscapedPath())
	if err == nil {
		c.schemas[at] = compiled
	}
	return compiled, err
}

// validate says what is wrong with a JSON text by the schema at names.
func (c *contract) validate(text []byte, names ...string) error {
	schema, err := c.schema(names...)
	if err != nil {
		return err
	}
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		return err
	}
	return schema.Validate(value)
}

// answer is what came back for a request. The body is whole, or as much as was read.
type answer struct {
	method, path string // path as it was sent, without query
	status       int
	header       http.Header
	body         []byte
	whole        bool
}

// check reports what is not as the document says.
func (c *contract) check(t testing.TB, a *answer) {
	t.Helper()
	response, at := c.expected(a)
	if response == nil {
		t.Errorf("not in openapi.json: %s %s was answered %d %s", a.method, a.path, a.status, a.body)
		return
	}
	for name := range inside(response, "headers") {
		if h, _ := c.follow(append(at[:len(at):len(at)], "headers", name)...); h["required"] == true && a.header.Get(name) == "" {
			t.Errorf("%s %s: %d without %s", a.method, a.path, a.status, name)
		}
	}
	if a.header.Get(requestID) == "" {
		t.Errorf("%s %s: %d without %s", a.method, a.path, a.status, requestID)
	}
	content := inside(response, "content")
	if len(content) == 0 {
		if len(a.body) > 0 {
			t.Errorf("%s %s: %d with a body: %s", a.method, a.path, a.status, a.body)
		}
		return
	}
	kind, _, _ := strings.Cut(a.header.Get("Content-Type"), ";")
	if content[kind] == nil {
		t.Errorf("%s %s: %d with Content-Type %q: %s", a.method, a.path, a.status, kind, a.body)
		return
	}
	if a.method != http.MethodHead {
		c.checkBody(t, a, kind, append(at[:len(at):len(at)], "content", kind))
	}
}

// expected is the response that the document has for an answer, nil for none.
func (c *contract) expected(a *answer) (response object, at []string) {
	operation, is := c.operation(a.method, a.path)
	status := strconv.Itoa(a.status)
	if is {
		operation = append(operation, "responses", status)
		if inside(c.doc, operation...) == nil {
			return nil, nil
		}
		c.show(operation)
		return c.follow(operation...)
	}
	if status == "405" {
		return c.follow("components", "responses", "MethodNotAllowed")
	}
	for _, common := range commonAnswers {
		if common.status == status {
			return c.follow("components", "responses", common.component)
		}
	}
	return nil, nil
}

// show notes that a test got the answer at names.
func (c *contract) show(names []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.shown[pointer(names...)] = true
}

// neverShown are the answers in the document that no test got. Those that any call may give are not among them:
// one test for all calls does.
func (c *contract) neverShown() (missing []string) {
	common := map[string]bool{}
	for _, answer := range commonAnswers {
		common["#/components/responses/"+answer.component] = true
	}
	for _, o := range operations(c.doc) {
		for status, answer := range inside(o.object, "responses") {
			ref, _ := answer.(object)["$ref"].(string)
			if !common[ref] && !c.shown[pointer("paths", o.path, o.method, "responses", status)] {
				missing = append(missing, strings.ToUpper(o.method)+" "+o.path+" "+status)
			}
		}
	}
	slices.Sort(missing)
	return missing
}

// operation finds where the document has a request; false when it has not.
func (c *contract) operation(method, path string) ([]string, bool) {
	parsed, err := url.ParseRequestURI(path)
	if err != nil {
		return nil, false
	}
	r, ok := cleanRequest(&http.Request{Method: method, URL: parsed})
	if !ok {
		return nil, false
	}
	if method == http.MethodHead {
		method = http.MethodGet
	}
	_, pattern := c.paths.Handler(r)
	names := []string{"paths", strings.TrimSuffix(pattern, "{$}"), strings.ToLower(method)}
	return names, inside(c.doc, names...) != nil
}

// checkBody reports what is wrong with a body.
func (c *contract) checkBody(t testing.TB, a *answer, kind string, at []string) {
	t.Helper()
	texts, schema := [][]byte{a.body}, append(at, "schema")
	switch {
	case kind == ndjsonType, c.inLines(at):
		texts, schema = lineTexts(a.body), append(at, "x-itemSchema")
	case kind == "text/event-stream":
		texts, schema = eventTexts(a.body), append(at, "x-itemSchema")
	case !a.whole || !strings.HasSuffix(kind, "json"):
		return
	}
	for _, text := range texts {
		if err := c.validate(text, schema...); err != nil {
			t.Errorf("%s %s: %d is not as openapi.json has it: %v\n%s", a.method, a.path, a.status, err, text)
		}
	}
}

// inLines tells whether a media type at names is JSON of which every line is a value, as version 3 reports.
func (c *contract) inLines(at []string) bool {
	return at[len(at)-1] == jsonType && inside(c.doc, at...)["x-itemSchema"] != nil
}

// lineTexts are the lines of NDJSON that have an end.
func lineTexts(body []byte) (texts [][]byte) {
	for line := range bytes.Lines(body) {
		if bytes.HasSuffix(line, []byte("\n")) && len(bytes.TrimSpace(line)) > 0 {
			texts = append(texts, line)
		}
	}
	return texts
}

// eventTexts are the data of events that have an end.
func eventTexts(body []byte) (texts [][]byte) {
	events := bytes.Split(body, []byte("\n\n"))
	for _, event := range events[:len(events)-1] {
		var data []byte
		for line := range bytes.Lines(append(event, '\n')) {
			if rest, is := bytes.CutPrefix(line, []byte("data:")); is {
				data = append(data, rest...)
			}
		}
		if data = bytes.TrimSpace(data); len(data) > 0 {
			texts = append(texts, data)
		}
	}
	return texts
}

// validExample says what is wrong with an example of a media type at names.
func (c *contract) validExample(kind string, example any, at []string) error {
	text, is := example.(string)
	if is && (kind == ndjsonType || c.inLines(at)) {
		for _, line := range lineTexts([]byte(text)) {
			if err := c.validate(line, append(at, "x-itemSchema")...); err != nil {
				return err
			}
		}
		return nil
	}
	if kind == "text/event-stream" {
		return nil
	}
	encoded, err := json.Marshal(example)
	if err != nil {
		return err
	}
	return c.validate(encoded, append(at, "schema")...)
}
