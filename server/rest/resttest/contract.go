package resttest

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

	"github.com/sluice-proxy/sluice/server/rest"
	"github.com/sluice-proxy/sluice/server/rest/exchange"
)

// Contract is openapi.json, which every answer of every test must keep.
type Contract struct {
	Doc      Object
	paths    *http.ServeMux // finds the path of the document that a request is for
	compiler *jsonschema.Compiler

	mu      sync.Mutex // guards what follows
	schemas map[string]*jsonschema.Schema
	shown   map[string]bool // pointers to the answers that some test got
}

// TheContract reads the document once.
var TheContract = sync.OnceValue(func() *Contract {
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(rest.OpenAPI))
	if err != nil {
		panic(err)
	}
	c := &Contract{Doc: doc.(Object), paths: http.NewServeMux(), compiler: jsonschema.NewCompiler()}
	c.schemas, c.shown = map[string]*jsonschema.Schema{}, map[string]bool{}
	c.compiler.DefaultDraft(jsonschema.Draft2020)
	if err := c.compiler.AddResource("file:///openapi.json", doc); err != nil {
		panic(err)
	}
	for path := range Inside(c.Doc, "paths") {
		if path == "/" {
			path = "/{$}"
		}
		c.paths.HandleFunc(path, http.NotFound)
	}
	return c
})

var escapes = strings.NewReplacer("~", "~0", "/", "~1")

// Follow returns the object at the names, through references, and where it is.
func (c *Contract) Follow(names ...string) (Object, []string) {
	found := Inside(c.Doc, names...)
	for {
		ref, is := found["$ref"].(string)
		if !is {
			return found, names
		}
		names = strings.Split(strings.TrimPrefix(ref, "#/"), "/") // no name of ours has a slash
		found = Inside(c.Doc, names...)
	}
}

// schema compiles the schema at the names.
func (c *Contract) schema(names ...string) (*jsonschema.Schema, error) {
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

// validate checks a JSON text by the schema at the names.
func (c *Contract) validate(text []byte, names ...string) error {
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
	asBridge     bool // the door answers as Strimzi's bridge
}

// check reports what is not as the document says.
func (c *Contract) check(t testing.TB, a *answer) {
	t.Helper()
	response, at := c.expected(a)
	if response == nil {
		t.Errorf("not in openapi.json: %s %s was answered %d %s", a.method, a.path, a.status, a.body)
		return
	}
	for name := range Inside(response, "headers") {
		if h, _ := c.Follow(append(at[:len(at):len(at)], "headers", name)...); h["required"] == true && a.header.Get(name) == "" {
			t.Errorf("%s %s: %d without %s", a.method, a.path, a.status, name)
		}
	}
	if a.header.Get(exchange.RequestID) == "" {
		t.Errorf("%s %s: %d without %s", a.method, a.path, a.status, exchange.RequestID)
	}
	content := Inside(response, "content")
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

// expected returns the response that the document has for an answer; nil for none.
func (c *Contract) expected(a *answer) (response Object, at []string) {
	operation, is := c.operation(a.method, a.path)
	status := strconv.Itoa(a.status)
	if is {
		operation = append(operation, "responses", status)
		if Inside(c.Doc, operation...) == nil {
			return nil, nil
		}
		c.show(operation)
		return c.Follow(operation...)
	}
	if status == "405" {
		return c.Follow("components", "responses", "MethodNotAllowed")
	}
	for _, common := range commonAnswers {
		if common.status == status {
			return c.Follow("components", "responses", common.component)
		}
	}
	return nil, nil
}

// show notes that a test got the answer at the names.
func (c *Contract) show(names []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.shown[pointer(names...)] = true
}

// neverShown returns the answers of owned calls that the document has and no test got. Answers that any call may give
// are left out: one test for all calls is enough.
func (c *Contract) neverShown(owns func(path string) bool) (missing []string) {
	common := map[string]bool{}
	for _, answer := range commonAnswers {
		common["#/components/responses/"+answer.component] = true
		common["#/components/responses/"+answer.component+ofRecords] = true
	}
	for _, o := range Operations(c.Doc) {
		if !owns(o.Path) {
			continue
		}
		for status, answer := range Inside(o.Object, "responses") {
			ref, _ := answer.(Object)["$ref"].(string)
			if !common[ref] && !c.shown[pointer("paths", o.Path, o.Method, "responses", status)] {
				missing = append(missing, strings.ToUpper(o.Method)+" "+o.Path+" "+status)
			}
		}
	}
	slices.Sort(missing)
	return missing
}

// operation finds the operation of a request. It returns false if the document has none.
func (c *Contract) operation(method, path string) ([]string, bool) {
	parsed, err := url.ParseRequestURI(path)
	if err != nil {
		return nil, false
	}
	r, ok := exchange.CleanRequest(&http.Request{Method: method, URL: parsed})
	if !ok {
		return nil, false
	}
	if method == http.MethodHead {
		method = http.MethodGet
	}
	_, pattern := c.paths.Handler(r)
	names := []string{"paths", strings.TrimSuffix(pattern, "{$}"), strings.ToLower(method)}
	return names, Inside(c.Doc, names...) != nil
}

// checkBody reports what is wrong with a body.
func (c *Contract) checkBody(t testing.TB, a *answer, kind string, at []string) {
	t.Helper()
	texts, schemas := [][]byte{a.body}, []string{"schema", "x-exactSchema"}
	switch {
	case kind == exchange.NDJSONType, c.inLines(at):
		texts, schemas = lineTexts(a.body), []string{"x-itemSchema"}
	case kind == "text/event-stream":
		texts, schemas = eventTexts(a.body), []string{"x-itemSchema"}
	case !a.whole || !strings.HasSuffix(kind, "json"):
		return
	case a.asBridge && Inside(c.Doc, at...)["x-bridgeSchema"] != nil:
		schemas = []string{"x-bridgeSchema"}
	case a.asBridge:
		schemas = []string{"schema"}
	}
	for _, text := range texts {
		if err := c.validateAll(text, at, schemas); err != nil {
			t.Errorf("%s %s: %d is not as openapi.json has it: %v\n%s", a.method, a.path, a.status, err, text)
		}
	}
}

// validateAll checks a JSON text by those of the schemas that the media type has. What x-exactSchema says is true as
// well, and beyond what types of programming languages say.
func (c *Contract) validateAll(text []byte, at, schemas []string) error {
	media := Inside(c.Doc, at...)
	for _, name := range schemas {
		if media[name] == nil {
			continue
		}
		if err := c.validate(text, append(at[:len(at):len(at)], name)...); err != nil {
			return err
		}
	}
	return nil
}

// inLines reports whether every line of a media type is a JSON value, as in the reports of version 3.
func (c *Contract) inLines(at []string) bool {
	return at[len(at)-1] == exchange.JSONType && Inside(c.Doc, at...)["x-itemSchema"] != nil
}

// lineTexts returns the complete lines of NDJSON.
func lineTexts(body []byte) (texts [][]byte) {
	for line := range bytes.Lines(body) {
		if bytes.HasSuffix(line, []byte("\n")) && len(bytes.TrimSpace(line)) > 0 {
			texts = append(texts, line)
		}
	}
	return texts
}

// eventTexts returns the data of the complete events.
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

// ValidExample checks an example of a media type.
func (c *Contract) ValidExample(kind string, example any, at []string) error {
	text, is := example.(string)
	if is && (kind == exchange.NDJSONType || c.inLines(at)) {
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
	return c.validateAll(encoded, at, []string{"schema", "x-exactSchema"})
}
