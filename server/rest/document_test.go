package rest

import (
	"crypto/sha256"
	"encoding/base64"
	commandline "flag"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = commandline.Bool("update", false, "write openapi.json from the fragments in openapi/")

// The document is what its fragments say, and describes the calls there are.
// go test ./server/rest -run TestOpenAPI -update writes it.
func TestOpenAPI(t *testing.T) {
	want := merged(t)
	if *update {
		if err := os.WriteFile("openapi.json", want, 0o644); err != nil { //nolint:gosec // it is source
			t.Fatal(err)
		}
	} else if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(string(openapiText), "\n")); diff != "" {
		t.Fatalf("openapi.json is not up to date; run go test ./server/rest -run TestOpenAPI -update (-want +got):\n%s", diff)
	}
}

func TestEveryRouteIsDescribed(t *testing.T) {
	has := map[string]bool{}
	for _, o := range operations(theContract().doc) {
		has[strings.ToUpper(o.method)+" "+o.path] = true
	}
	for _, r := range New(nil, Options{}, testLog(t)).routes {
		name := r.method + " " + strings.TrimSuffix(r.pattern, "{$}")
		if !has[name] {
			t.Errorf("%s is not described in openapi/", name)
		}
		delete(has, name)
	}
	for name := range has {
		t.Errorf("openapi/ describes %s, which does not exist", name)
	}
}

func TestEveryOperationIsDescribedWell(t *testing.T) {
	c, ids := theContract(), map[string]bool{}
	for _, o := range operations(c.doc) {
		name := o.method + " " + o.path
		id, _ := o.object["operationId"].(string)
		if summary, _ := o.object["summary"].(string); summary == "" || id == "" || ids[id] || o.object["tags"] == nil {
			t.Errorf("%s: needs a summary, tags and an operationId of its own", name)
		}
		ids[id] = true
		if inside(o.object, "responses")["503"] == nil {
			t.Errorf("%s: no error answer", name)
		}
		if n := c.examples(t, name, "paths", o.path, o.method); n == 0 && o.method != "delete" {
			t.Errorf("%s: no example of a body, asked or answered", name)
		}
		parameters, _ := o.object["parameters"].([]any)
		for _, given := range parameters {
			p := given.(object)
			if ref, is := p["$ref"].(string); is {
				p = inside(c.doc, strings.Split(strings.TrimPrefix(ref, "#/"), "/")...)
			}
			if p == nil || p["description"] == nil || p["required"] == true && p["example"] == nil {
				t.Errorf("%s: parameter %v needs a description, and an example where it is required", name, given)
			}
		}
	}
}

// examples checks those of an operation, and counts those of its request and its successes.
func (c *contract) examples(t *testing.T, name string, at ...string) (n int) {
	bodies := map[string][]string{"request": append(slices.Clone(at), "requestBody")}
	for status := range inside(c.doc, append(slices.Clone(at), "responses")...) {
		bodies[status] = append(slices.Clone(at), "responses", status)
	}
	for _, status := range slices.Sorted(maps.Keys(bodies)) {
		body, at := c.follow(bodies[status]...)
		for kind := range inside(body, "content") {
			at := append(slices.Clone(at), "content", kind)
			media := inside(c.doc, at...)
			if media["schema"] == nil || media["example"] == nil {
				t.Errorf("%s: %s, %s: needs a schema and an example", name, status, kind)
				continue
			}
			if err := c.validExample(kind, media["example"], at); err != nil {
				t.Errorf("%s: %s, %s: example: %v", name, status, kind, err)
			}
			if status < "300" || status == "request" {
				n++
			}
		}
		if status != "request" && body["description"] == nil {
			t.Errorf("%s: %s is not there", name, status)
		}
	}
	return n
}

func TestDocumentsAreServedToWhoHasThemNot(t *testing.T) {
	s := start(t, Options{})
	for path, want := range map[string][]byte{"/openapi.json": openapiText, "/docs": docsText} {
		got, text := s.ask("GET", path, "")
		tag := got.Header.Get("ETag")
		if got.StatusCode != 200 || text != string(want) || tag == "" || got.Header.Get("Cache-Control") != "no-cache" {
			t.Fatalf("%s: %d %v", path, got.StatusCode, got.Header)
		}
		for given, status := range map[string]int{tag: 304, `"other", ` + strings.TrimPrefix(tag, "W/"): 304, "*": 304, `"other"`: 200, "": 200} {
			if got, text := s.ask("GET", path, "", "If-None-Match", given); got.StatusCode != status || (text == "") != (status == 304) {
				t.Errorf("%s, If-None-Match: %s: %d, %d bytes", path, given, got.StatusCode, len(text))
			}
		}
		if got, _ := s.ask("HEAD", path, "", "Accept-Encoding", "gzip"); got.Header.Get("Content-Encoding") != "gzip" ||
			got.Header.Get("Vary") != "Accept-Encoding" {
			t.Errorf("%s, packed: %v", path, got.Header)
		}
	}
}

func TestThePageRunsOnlyWhatIsInIt(t *testing.T) {
	s := start(t, Options{})
	got, text := s.ask("GET", "/docs", "")
	for _, element := range []string{"script", "style"} {
		_, rest, _ := strings.Cut(text, "<"+element+">")
		inside, _, found := strings.Cut(rest, "</"+element+">")
		sum := sha256.Sum256([]byte(inside))
		if want := element + "-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "';"; !found || inside == "" ||
			!strings.Contains(got.Header.Get("Content-Security-Policy"), want) {
			t.Errorf("%s is not in %v", want, got.Header)
		}
		if strings.Count(text, "<"+element) != 1 {
			t.Errorf("more than one %s: the policy allows one", element)
		}
	}
	if strings.Contains(text, "://") || strings.Contains(text, " style=") {
		t.Error("the page needs something from elsewhere, or has a style that the policy refuses")
	}
}
