package resttest

import "strings"

// Stamped fills blobs with three kinds of records, a second apart.
func (s *Sluice) Stamped() {
	s.T.Helper()
	for i, record := range []string{
		`{"key":"aw==","value":"eyJhIjoxfQ==","headers":[{"key":"h","value":"YQ=="}],"timestamp":1000}`,
		`{"value":"/w==","timestamp":2000}`, `{"value":null,"timestamp":3000}`,
	} {
		answer, text := s.Ask("POST", "/topics/blobs", `{"records":[`+record+`]}`, "Content-Type", AsBinary)
		if answer.StatusCode != 200 || strings.Contains(text, `"error":"`) {
			s.T.Fatal(i, text)
		}
	}
}
