package rest_test

import (
	"crypto/sha256"
	"encoding/base64"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/sluice-proxy/sluice/server/rest"
	"github.com/sluice-proxy/sluice/server/rest/exchange"
	"github.com/sluice-proxy/sluice/server/rest/resttest"

	commandline "flag"

	"github.com/google/go-cmp/cmp"
)

var update = commandline.Bool("update", false, "write openapi.json from the fragments in openapi/")

// The document is what its fragments say. go test ./server/rest -run TestOpenAPI -update writes it.
func TestOpenAPI(t *testing.T) {
	t.Parallel()
	want := resttest.Merged(t)
	if *update {
		if err := os.WriteFile("openapi.json", want, 0o644); err != nil { //nolint:gosec // it is source
			t.Fatal(err)
		}
	} else if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(string(rest.OpenAPI), "\n")); diff != "" {
		t.Fatalf("openapi.json is not up to date; run go test ./server/rest -run TestOpenAPI -update (-want +got):\n%s", diff)
	}
}

func TestEveryRouteIsDescribed(t *testing.T) {
	t.Parallel()
	has := map[string]bool{}
	for _, o := range resttest.Operations(resttest.TheContract().Doc) {
		has[strings.ToUpper(o.Method)+" "+o.Path] = true
	}
	for _, r := range rest.New(nil, exchange.Options{}, resttest.TestLog(t)).AllRoutes() {
		name := r.Method + " " + strings.TrimSuffix(r.Pattern, "{$}")
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
	t.Parallel()
	c, ids := resttest.TheContract(), map[string]bool{}
	for _, o := range resttest.Operations(c.Doc) {
		name := o.Method + " " + o.Path
		id, _ := o.Object["operationId"].(string)
		if summary, _ := o.Object["summary"].(string); summary == "" || id == "" || ids[id] || o.Object["tags"] == nil {
			t.Errorf("%s: needs a summary, tags and an operationId of its own", name)
		}
		ids[id] = true
		if resttest.Inside(o.Object, "responses")["503"] == nil {
			t.Errorf("%s: no error answer", name)
		}
		if n := examples(c, t, name, "paths", o.Path, o.Method); n == 0 && hasBody(o) {
			t.Errorf("%s: no example of a body, asked or answered", name)
		}
		parameters, _ := o.Object["parameters"].([]any)
		for _, given := range parameters {
			p := given.(resttest.Object)
			if ref, is := p["$ref"].(string); is {
				p = resttest.Inside(c.Doc, strings.Split(strings.TrimPrefix(ref, "#/"), "/")...)
			}
			if p == nil || p["description"] == nil || p["required"] == true && p["example"] == nil {
				t.Errorf("%s: parameter %v needs a description, and an example where it is required", name, given)
			}
		}
	}
}

// hasBody reports whether a call is asked with a body, or answered with one.
func hasBody(o resttest.Operation) bool {
	return o.Object["requestBody"] != nil || resttest.Inside(o.Object, "responses")["200"] != nil
}

// examples checks the examples of an operation. It counts those of its request and its successes.
func examples(c *resttest.Contract, t *testing.T, name string, at ...string) (n int) {
	bodies := map[string][]string{"request": append(slices.Clone(at), "requestBody")}
	for status := range resttest.Inside(c.Doc, append(slices.Clone(at), "responses")...) {
		bodies[status] = append(slices.Clone(at), "responses", status)
	}
	for _, status := range slices.Sorted(maps.Keys(bodies)) {
		body, at := c.Follow(bodies[status]...)
		for kind := range resttest.Inside(body, "content") {
			at := append(slices.Clone(at), "content", kind)
			media := resttest.Inside(c.Doc, at...)
			if media["schema"] == nil || media["example"] == nil {
				t.Errorf("%s: %s, %s: needs a schema and an example", name, status, kind)
				continue
			}
			if err := c.ValidExample(kind, media["example"], at); err != nil {
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
	t.Parallel()
	s := resttest.Start(t, exchange.Options{})
	page, err := os.ReadFile("docs.html")
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string][]byte{"/openapi.json": rest.OpenAPI, "/docs": page} {
		got, text := s.Ask("GET", path, "")
		tag := got.Header.Get("ETag")
		if got.StatusCode != 200 || text != string(want) || tag == "" || got.Header.Get("Cache-Control") != "no-cache" {
			t.Fatalf("%s: %d %v", path, got.StatusCode, got.Header)
		}
		for given, status := range map[string]int{tag: 304, `"other", ` + strings.TrimPrefix(tag, "W/"): 304, "*": 304, `"other"`: 200, "": 200} {
			if got, text := s.Ask("GET", path, "", "If-None-Match", given); got.StatusCode != status || (text == "") != (status == 304) {
				t.Errorf("%s, If-None-Match: %s: %d, %d bytes", path, given, got.StatusCode, len(text))
			}
		}
		if got, _ := s.Ask("HEAD", path, "", "Accept-Encoding", "gzip"); got.Header.Get("Content-Encoding") != "gzip" ||
			got.Header.Get("Vary") != "Accept-Encoding" {
			t.Errorf("%s, packed: %v", path, got.Header)
		}
	}
}

func TestThePageRunsOnlyWhatIsInIt(t *testing.T) {
	t.Parallel()
	s := resttest.Start(t, exchange.Options{})
	got, text := s.Ask("GET", "/docs", "")
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
