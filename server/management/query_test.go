package management

import (
	"encoding/json"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	dto "github.com/prometheus/client_model/go"
)

var (
	quoted    = regexp.MustCompile(`"[^"]*"`)
	ranges    = regexp.MustCompile(`\[[^\]]*\]`)
	grouping  = regexp.MustCompile(`\b(by|on|without|ignoring) *\([^)]*\)`)
	selection = regexp.MustCompile(`([a-z_:][a-z0-9_:]*)?\{([^}]*)\}`)
	matcher   = regexp.MustCompile(`([a-z_]+) *(=~|!~|!=|=)`)
	word      = regexp.MustCompile(`\b[a-z_:][a-z0-9_:]*\b *\(?`)
)

// metricsOf are the names of the metrics that a query reads: what is no function, label or operator.
func metricsOf(query string) (names []string) {
	for _, re := range []*regexp.Regexp{quoted, ranges, grouping} {
		query = re.ReplaceAllString(query, " ")
	}
	query = regexp.MustCompile(`\{[^}]*\}`).ReplaceAllString(query, " ")
	for _, found := range word.FindAllString(query, -1) {
		if found = strings.TrimSpace(found); !strings.HasSuffix(found, "(") && !slices.Contains([]string{"or", "and", "unless", "bool", "offset"}, found) {
			names = append(names, found)
		}
	}
	return names
}

// wantAnswerable checks that a query reads metrics that there are, and selects by labels that they have.
func wantAnswerable(t *testing.T, where, query string, found map[string]*dto.MetricFamily) {
	t.Helper()
	there := sampleNames(found)
	names := metricsOf(query)
	if len(names) == 0 {
		t.Errorf("%s reads no metric: %s", where, query)
	}
	for _, name := range names {
		if !there[name] && name != "up" { // Prometheus' own
			t.Errorf("%s: there is no metric %s: %s", where, name, query)
		}
	}
	all := table()
	for _, part := range selection.FindAllStringSubmatch(query, -1) {
		m := all[strings.TrimSuffix(part[1], "_bucket")]
		for _, label := range matcher.FindAllStringSubmatch(quoted.ReplaceAllString(part[2], ""), -1) {
			if m != nil && !slices.Contains(append([]string{"job", "instance"}, m.labels...), label[1]) {
				t.Errorf("%s: %s has no label %s: %s", where, m.name, label[1], query)
			}
		}
	}
}

func TestQueriesAreTakenApart(t *testing.T) {
	for query, want := range map[string][]string{
		`sum by (le, profile) (rate(a_b_bucket{job="$job", x=~"sum"}[$__rate_interval])) / (c > 0)`: {"a_b_bucket", "c"},
		`up{job="x"} == 0 or d1 > on (loop) e_f`:                                                    {"up", "d1", "e_f"},
	} {
		if got := metricsOf(query); !slices.Equal(got, want) {
			t.Errorf("%s: %v", query, got)
		}
	}
}

// TestTheDashboardAsksForMetricsThatExist holds the dashboard against a scrape of a busy sluice.
func TestTheDashboardAsksForMetricsThatExist(t *testing.T) {
	_, found := scrape(t, busy(2, 2, 2))
	text, err := os.ReadFile("../../deploy/grafana/sluice.json")
	if err != nil {
		t.Fatal(err)
	}
	var dashboard struct {
		Panels []struct {
			Title   string
			Type    string
			Targets []struct{ Expr string }
		}
		Templating struct {
			List []struct{ Name, Type, Definition string }
		}
	}
	if err := json.Unmarshal(text, &dashboard); err != nil {
		t.Fatal(err)
	}
	for _, panel := range dashboard.Panels {
		if len(panel.Targets) == 0 && panel.Type != "row" {
			t.Errorf("%s asks for nothing", panel.Title)
		}
		for _, target := range panel.Targets {
			wantAnswerable(t, panel.Title, target.Expr, found)
		}
	}
	for _, variable := range dashboard.Templating.List {
		if variable.Type == "query" {
			query, _, _ := strings.Cut(strings.TrimPrefix(variable.Definition, "label_values("), ", ")
			wantAnswerable(t, variable.Name, query, found)
		}
	}
}

// TestTheAlertsAskForMetricsThatExist also checks that each tells what to do and where to read on.
func TestTheAlertsAskForMetricsThatExist(t *testing.T) {
	_, found := scrape(t, busy(2, 2, 2))
	text, err := os.ReadFile("../../deploy/prometheus/alerts.yml")
	if err != nil {
		t.Fatal(err)
	}
	var rules struct {
		Groups []struct {
			Rules []struct {
				Alert, Expr string
				Annotations map[string]string
			}
		}
	}
	if err := yaml.Unmarshal(text, &rules); err != nil {
		t.Fatal(err)
	}
	tests, err := os.ReadFile("../../deploy/prometheus/alerts_test.yml")
	if err != nil {
		t.Fatal(err)
	}
	for _, rule := range rules.Groups[0].Rules {
		wantAnswerable(t, rule.Alert, rule.Expr, found)
		if !strings.Contains(string(tests), `alertname="`+rule.Alert+`"`) {
			t.Errorf("%s is not tested", rule.Alert)
		}
		if rule.Annotations["summary"] == "" || rule.Annotations["description"] == "" ||
			!strings.HasSuffix(rule.Annotations["runbook_url"], "/docs/operating.md#"+strings.ToLower(rule.Alert)) {
			t.Errorf("%s: %v", rule.Alert, rule.Annotations)
		}
	}
}

// TestTheOperatorsGuideExplainsEveryAlert looks for the headings that the alerts link to.
func TestTheOperatorsGuideExplainsEveryAlert(t *testing.T) {
	alerts, err := os.ReadFile("../../deploy/prometheus/alerts.yml")
	if err != nil {
		t.Fatal(err)
	}
	guide, err := os.ReadFile("../../docs/operating.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, alert := range regexp.MustCompile(`alert: (\w+)`).FindAllStringSubmatch(string(alerts), -1) {
		if !strings.Contains(string(guide), "\n### "+alert[1]+"\n") {
			t.Errorf("docs/operating.md does not explain %s", alert[1])
		}
	}
}
