package resttest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"

	"github.com/sluice-proxy/sluice/server/rest/exchange"
)

// Object is an object of JSON or YAML.
type Object = map[string]any

// Inside returns an object in another; an empty one if it is not there.
func Inside(o Object, names ...string) Object {
	for _, name := range names {
		o, _ = o[name].(Object)
	}
	return o
}

// methods are what a path item of OpenAPI has operations for.
var methods = []string{"get", "put", "post", "delete", "options", "head", "patch", "trace"}

// Operation is one call of the document.
type Operation struct {
	Path, Method string
	Object
}

// Operations returns all calls of the document, in order.
func Operations(doc Object) (all []Operation) {
	paths := Inside(doc, "paths")
	for _, path := range slices.Sorted(maps.Keys(paths)) {
		for _, method := range methods {
			if o, is := Inside(paths, path)[method].(Object); is {
				all = append(all, Operation{path, method, o})
			}
		}
	}
	return all
}

// isV2 reports whether a path of the document belongs to version 2.
func isV2(path string) bool {
	return !slices.ContainsFunc([]string{"/v1/", "/v3/", "/docs", "/openapi.json", "/healthy", "/ready"}, func(p string) bool { return strings.HasPrefix(path, p) })
}

// commonAnswers are what the door says before it reaches a call, or in place of the call's answer.
var commonAnswers = []struct {
	status, component string
	goes              func(Operation) bool
}{
	{"400", "BadRequest", always},
	{"401", "Unauthenticated", secured},
	{"403", "Forbidden", always},
	{"404", "NotFound", func(o Operation) bool { return bytes.ContainsRune([]byte(o.Path), '{') }},
	{"406", "NotAcceptable", func(o Operation) bool { return o.Method == "get" && isV2(o.Path) }},
	{"408", "TooSlow", always},
	{"413", "TooLarge", withBody},
	{"415", "UnsupportedType", withBody},
	{"417", "Unexpected", always},
	{"421", "Misdirected", always},
	{"431", "HeaderTooLong", always},
	{"500", "Failed", always},
	{"501", "NotImplemented", always},
	{"503", "Unavailable", always},
	{"505", "OtherVersion", always},
}

func always(Operation) bool { return true }

// secured leaves out the calls that say themselves that they need no password.
func secured(o Operation) bool { return o.Object["security"] == nil }

func withBody(o Operation) bool { return o.Object["requestBody"] != nil }

// Merged returns the document that the fragments make.
func Merged(t *testing.T) []byte {
	t.Helper()
	files, err := filepath.Glob("openapi/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatal("no fragments", err)
	}
	doc := Object{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var fragment Object
		if err := yaml.Unmarshal(text, &fragment); err != nil {
			t.Fatalf("%s: %s", file, yaml.FormatError(err, false, true))
		}
		join(t, file, doc, fragment, 0)
	}
	for _, o := range Operations(doc) {
		complete(o)
	}
	for _, response := range responses(doc) {
		alsoPlain(response)
	}
	for _, o := range Operations(doc) {
		alsoPlain(Inside(o.Object, "requestBody"))
	}
	for _, o := range Operations(doc) {
		refusedAsRecords(doc, o)
	}
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(doc); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// join adds a fragment. Operations and components must not be defined twice.
func join(t *testing.T, file string, into, fragment Object, depth int) {
	t.Helper()
	for name, value := range fragment {
		before, is := into[name].(Object)
		more, too := value.(Object)
		switch {
		case into[name] == nil:
			into[name] = value
		case is && too && depth < 2:
			join(t, file, before, more, depth+1)
		default:
			t.Errorf("%s: %s is in another fragment too", file, name)
		}
	}
}

// complete adds the common answers that the operation does not define itself.
func complete(o Operation) {
	answers := Inside(o.Object, "responses")
	for _, c := range commonAnswers {
		if answers != nil && answers[c.status] == nil && c.goes(o) {
			answers[c.status] = Object{"$ref": "#/components/responses/" + c.component}
		}
	}
}

// responses returns all responses, shared or not.
func responses(doc Object) (all []Object) {
	lists := []Object{Inside(doc, "components", "responses")}
	for _, o := range Operations(doc) {
		lists = append(lists, Inside(o.Object, "responses"))
	}
	for _, list := range lists {
		for _, response := range list {
			all = append(all, response.(Object))
		}
	}
	return all
}

// alsoPlain adds plain JSON wherever a body has the type of version 2: clients choose between them.
func alsoPlain(body Object) {
	content := Inside(body, "content")
	if v2, is := content[exchange.V2Type]; is && content[exchange.JSONType] == nil {
		content[exchange.JSONType] = v2
	}
}

// refusedAsRecords gives the refusals of a call that answers with records the types of records, too. Shared ones become
// shared ones of another name.
func refusedAsRecords(doc Object, o Operation) {
	answers, shared := Inside(o.Object, "responses"), Inside(doc, "components", "responses")
	if Inside(answers, "200", "content", exchange.RecordTypes[0]) == nil {
		return
	}
	for status := range answers {
		name, is := Inside(answers, status)["$ref"].(string)
		switch name = strings.TrimPrefix(name, "#/components/responses/"); {
		case status == "200":
		case is:
			shared[name+ofRecords] = asRecords(Inside(shared, name))
			answers[status] = Object{"$ref": "#/components/responses/" + name + ofRecords}
		default:
			answers[status] = asRecords(Inside(answers, status))
		}
	}
}

// ofRecords ends the names of such refusals.
const ofRecords = "OfRecords"

// asRecords is a refusal with the types of records, too.
func asRecords(refusal Object) Object {
	refusal = maps.Clone(refusal)
	content := maps.Clone(Inside(refusal, "content"))
	if problem, is := content[exchange.V2Type]; is {
		for _, kind := range exchange.RecordTypes {
			content[kind] = problem
		}
		refusal["content"] = content
	}
	return refusal
}

// pointer returns the JSON pointer (RFC 6901) of the names.
func pointer(names ...string) string {
	var p []byte
	for _, name := range names {
		p = fmt.Appendf(p, "/%s", escapes.Replace(name))
	}
	return string(p)
}
