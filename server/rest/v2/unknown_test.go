package v2_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/sluice-proxy/sluice/server/rest/exchange"
	"github.com/sluice-proxy/sluice/server/rest/resttest"
)

// Every call to an unknown instance gets the same answer, whatever else the request says.
func TestCallsToAnInstanceThatIsNotThere(t *testing.T) {
	t.Parallel()
	s, c := resttest.Start(t, exchange.Options{}), resttest.TheContract()
	path := strings.NewReplacer("{group}", "billing", "{instance}", "nobody")
	for _, o := range resttest.Operations(c.Doc) {
		if !strings.Contains(o.Path, "{instance}") {
			continue
		}
		body, kind := exampleBody(c, t, o)
		answer, text := s.Ask(strings.ToUpper(o.Method), path.Replace(o.Path), body, "Content-Type", kind)
		resttest.WantFailure(t, o.Method+" "+o.Path, answer, text, 404, 40403, "Consumer instance not found.")
	}
}

// exampleBody returns the example of an operation's request body; empty if there is none.
func exampleBody(c *resttest.Contract, t *testing.T, o resttest.Operation) (body, kind string) {
	t.Helper()
	asked, _ := c.Follow("paths", o.Path, o.Method, "requestBody")
	for kind, media := range resttest.Inside(asked, "content") {
		text, err := json.Marshal(media.(resttest.Object)["example"])
		if err != nil {
			t.Fatal(err)
		}
		return string(text), kind
	}
	return "", ""
}
