package rest

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// What is said of the calls, and of their errors.
const (
	openapi = "../../../server/rest/openapi.json"
	manual  = "../../../docs/http.md"
)

// unprovoked are errors, status and error_code, that no conversation can bring about, and why.
var unprovoked = map[string]string{
	"500 50002": "a mistake in sluice, or an error of a broker that nobody has thought of",
	"504 50003": "brokers that take a request and do not answer",
}

// conversations are all turns that are played.
func conversations(t *testing.T) (turns []turn) {
	t.Helper()
	files, err := filepath.Glob("*.http")
	if err != nil || len(files) == 0 {
		t.Fatalf("no conversations: %v", err)
	}
	for _, file := range files {
		s, err := load(file)
		if err != nil {
			t.Fatal(err)
		}
		turns = append(turns, s.turns...)
	}
	return turns
}

// Whoever adds a call shows it in a conversation where it succeeds.
func TestEveryCallIsPlayed(t *testing.T) {
	text, err := os.ReadFile(openapi)
	if err != nil {
		t.Fatal(err)
	}
	var document struct {
		Paths map[string]map[string]json.RawMessage `json:"paths"`
	}
	if err := json.Unmarshal(text, &document); err != nil {
		t.Fatal(err)
	}
	if len(document.Paths) == 0 {
		t.Fatalf("%s has no paths", openapi)
	}
	turns := conversations(t)
	for path, operations := range document.Paths {
		for method := range operations {
			if method := strings.ToUpper(method); !succeeds(turns, method, path) {
				t.Errorf("no conversation has a success of %s %s", method, path)
			}
		}
	}
}

var parameter = regexp.MustCompile(`\\\{[a-z_]+\\\}`)

// succeeds tells whether a call is asked for and granted.
func succeeds(turns []turn, method, path string) bool {
	call := regexp.MustCompile(`^` + method + ` ` + parameter.ReplaceAllString(regexp.QuoteMeta(path), `[^/]+`) + `$`)
	return slices.ContainsFunc(turns, func(turn turn) bool {
		asked, _, _ := strings.Cut(turn.request.first, "?")
		return call.MatchString(asked) && strings.HasPrefix(turn.expected.first, "2")
	})
}

// The errors that the manual lists are shown, each status with a code beside it and each code with a status.
func TestEveryErrorIsPlayed(t *testing.T) {
	turns := conversations(t)
	for _, row := range errorRows(t) {
		for _, status := range row.statuses {
			if !slices.ContainsFunc(row.codes, func(code string) bool { return shown(turns, status, code) }) {
				t.Errorf("no conversation has status %s: %s", status, row.text)
			}
		}
		for _, code := range row.codes {
			if !slices.ContainsFunc(row.statuses, func(status string) bool { return shown(turns, status, code) }) {
				t.Errorf("no conversation has error_code %s: %s", code, row.text)
			}
		}
	}
}

// errorRow is a line of the manual's tables of errors.
type errorRow struct {
	text            string
	statuses, codes []string
}

func errorRows(t *testing.T) (rows []errorRow) {
	t.Helper()
	text, err := os.ReadFile(manual)
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(text), "\n## Errors\n")
	section, _, _ = strings.Cut(section, "\n## ")
	for _, line := range regexp.MustCompile(`(?m)^\| ([0-9, ]+) \| (.*?) \|`).FindAllStringSubmatch(section, -1) {
		row := errorRow{text: line[0], statuses: strings.Split(line[1], ", "), codes: strings.Split(line[2], ", ")}
		if !regexp.MustCompile(`^[0-9]+$`).MatchString(row.codes[0]) { // of the table of unclean HTTP: the code is the status
			row.codes = row.statuses
		}
		rows = append(rows, row)
	}
	if len(rows) == 0 {
		t.Fatalf("%s has no table of errors", manual)
	}
	return rows
}

// shown tells whether a request fails so, or none can. What HEAD gets has no body to hold a code.
func shown(turns []turn, status, code string) bool {
	return unprovoked[status+" "+code] != "" || slices.ContainsFunc(turns, func(turn turn) bool {
		return turn.expected.first == status && (strings.Contains(turn.expected.body, `"error_code":`+code+`,`) ||
			strings.HasPrefix(turn.request.first, http.MethodHead))
	})
}
