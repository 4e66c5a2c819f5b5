package rest

import (
	"encoding/json"
	"strings"
	"testing"
)

// Every call to an instance that never was says so, whatever else is asked.
func TestCallsToAnInstanceThatIsNotThere(t *testing.T) {
	s, c := start(t, Options{}), theContract()
	path := strings.NewReplacer("{group}", "billing", "{instance}", "nobody")
	for _, o := range operations(c.doc) {
		if !strings.Contains(o.path, "{instance}") {
			continue
		}
		body, kind := c.exampleBody(t, o)
		answer, text := s.ask(strings.ToUpper(o.method), path.Replace(o.path), body, "Content-Type", kind)
		wantFailure(t, o.method+" "+o.path, answer, text, 404, 40403, "Consumer instance not found.")
	}
}

// exampleBody is the body that an operation has for an example; none is empty.
func (c *contract) exampleBody(t *testing.T, o operation) (body, kind string) {
	t.Helper()
	asked, _ := c.follow("paths", o.path, o.method, "requestBody")
	for kind, media := range inside(asked, "content") {
		text, err := json.Marshal(media.(object)["example"])
		if err != nil {
			t.Fatal(err)
		}
		return string(text), kind
	}
	return "", ""
}
