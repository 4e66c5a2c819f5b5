package management

import (
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"github.com/sluice-proxy/sluice/kafka"
	"github.com/sluice-proxy/sluice/metrics"
	"github.com/sluice-proxy/sluice/server/resp"
	"github.com/sluice-proxy/sluice/server/rest"
)

// table is all metrics by name.
func table() map[string]*metric {
	all := map[string]*metric{}
	for _, family := range families {
		for i := range family.metrics {
			all[family.metrics[i].name] = &family.metrics[i]
		}
	}
	return all
}

// parse reads the text of /metrics, as Prometheus would.
func parse(t *testing.T, text string) map[string]*dto.MetricFamily {
	t.Helper()
	parser := expfmt.NewTextParser(model.LegacyValidation)
	found, err := parser.TextToMetricFamilies(strings.NewReader(text))
	if err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	return found
}

// scrape is /metrics of a snapshot.
func scrape(t *testing.T, now *snapshot) (text string, found map[string]*dto.MetricFamily) {
	t.Helper()
	w := ask(scrapes(func() *snapshot { return now }, testLog(t)), http.MethodGet, "/metrics", nil)
	if w.Code != http.StatusOK {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	return w.Body.String(), parse(t, w.Body.String())
}

// value finds the series with just these labels, name=value each.
func value(t *testing.T, found map[string]*dto.MetricFamily, name string, labels ...string) float64 {
	t.Helper()
	for _, m := range found[name].GetMetric() {
		got := []string{}
		for _, pair := range m.GetLabel() {
			got = append(got, pair.GetName()+"="+pair.GetValue())
		}
		slices.Sort(labels)
		if slices.Equal(got, labels) {
			return m.GetGauge().GetValue() + m.GetCounter().GetValue() + float64(m.GetHistogram().GetSampleCount())
		}
	}
	t.Errorf("no series %s%v", name, labels)
	return -1
}

// busy is a snapshot that has something to say for every metric: so many groups, of so many topics, with
// so many partitions each.
func busy(groups, topics, partitions int) *snapshot {
	h := metrics.Histogram{}
	h.Observe(3*time.Millisecond, 5)
	now := &snapshot{
		kafkaSnapshot: kafkaSnapshot{heard: []kafka.Heard{{Broker: kafka.Broker{ID: 1}}, {Broker: kafka.Broker{ID: 2}, Silent: true}}},
		build:         Build{"v1", "go1.26", "2.15.1"}, beats: []Beat{{"lag", time.Second, time.Minute}}, reload: LastReload{OK: true, At: time.Now()},
		door: &resp.Stats{Connections: 3, Closed: []resp.Closed{{Reason: "idle", N: 1}}},
		web: &rest.Stats{
			Routes:         []rest.RouteStat{{Method: "GET", Pattern: "/topics", Classes: [6]int64{2: 1}, Latency: h.Read()}},
			InstancesEnded: map[string]int64{"deleted": 1, "expired": 0},
		},
	}
	for i := range 100 {
		now.door.Commands = append(now.door.Commands, resp.CommandStat{Name: fmt.Sprintf("command%d", i), OK: 2, Failed: 1, Latency: h.Read()})
	}
	for _, name := range []string{kafka.Buffered, kafka.Delivered} {
		now.status.Profiles = append(now.status.Profiles, kafka.ProfileStatus{
			Name: name, AckLatency: h.Read(), Brokers: []kafka.BrokerStatus{{ID: 1, State: "UP"}, {ID: 2}, {ID: 3}},
		})
	}
	for g := range groups {
		group := fmt.Sprintf("group%d", g)
		now.status.Subscriptions = append(now.status.Subscriptions, kafka.SubscriptionStatus{
			Group: group, Members: []kafka.MemberStatus{{Name: "a", Connected: true}, {Name: "b"}},
			FailingStatus: kafka.FailingStatus{
				Stops: map[kafka.StopReason]int{"crowded": 2}, Bounds: []kafka.TopicBounds{{Topic: "topic0", Breaker: kafka.BreakerOpen}, {Topic: "topic1"}},
			},
		})
		now.failures = append(now.failures, kafka.GroupFailures{Group: group, Attempts: []int64{9, 3, 1}, Failures: map[string]int64{"released": 2}})
		now.dead = append(now.dead, kafka.DeadCount{Group: group, Topic: "topic0", Class: "Timeout", Records: 4})
		for i := range topics {
			topic := fmt.Sprintf("topic%d", i)
			now.consumed = append(now.consumed, kafka.GroupTopicCounts{Group: group, Topic: topic, Lent: 1, Leased: 1})
			if g == 0 {
				now.produced = append(now.produced, kafka.TopicCounts{Topic: topic, Accepted: 7, Ended: [4]int64{3, 1, 1, 1}})
			}
			for p := range partitions {
				at := kafka.TopicPartition{Topic: topic, Partition: int32(p)}
				now.lags = append(now.lags, kafka.PartitionLag{Group: group, TopicPartition: at, Lag: 2, Seconds: float64(p)})
			}
		}
	}
	return now
}

func TestEveryMetricIsNamedAndExplained(t *testing.T) {
	name := regexp.MustCompile(`^sluice(_[a-z]+)+$`)
	seen := map[string]bool{}
	for _, family := range families {
		for _, m := range family.metrics {
			if !name.MatchString(m.name) || seen[m.name] || !strings.HasSuffix(m.help, ".") || len(m.help) < 15 {
				t.Errorf("%s: %q", m.name, m.help)
			}
			seen[m.name] = true
			if total := strings.HasSuffix(m.name, "_total"); total != (m.kind == counter) {
				t.Errorf("%s is a %s", m.name, m.kind)
			}
			if m.kind == histogram && !strings.HasSuffix(m.name, "_seconds") {
				t.Errorf("%s is a histogram without a unit", m.name)
			}
		}
	}
}

func TestEveryMetricHasASeries(t *testing.T) {
	_, found := scrape(t, busy(2, 2, 2))
	for name, m := range table() {
		if found[name] == nil {
			t.Errorf("%s has none", name)
			continue
		}
		wantAsInTable(t, found[name], m)
	}
}

// wantAsInTable checks a family of a scrape against its row.
func wantAsInTable(t *testing.T, got *dto.MetricFamily, m *metric) {
	t.Helper()
	if kind := strings.ToLower(got.GetType().String()); kind != string(m.kind) || got.GetHelp() != m.help {
		t.Errorf("%s: %s %q, in the table %s %q", m.name, kind, got.GetHelp(), m.kind, m.help)
	}
	for _, series := range got.GetMetric() {
		names := []string{}
		for _, pair := range series.GetLabel() {
			names = append(names, pair.GetName())
		}
		if !slices.Equal(names, slices.Sorted(slices.Values(m.labels))) {
			t.Errorf("%s has the labels %v, in the table %v", m.name, names, m.labels)
		}
	}
}

func TestNothingIsSaidOfAClosedDoorAndOfWhatIsNotKnown(t *testing.T) {
	now := busy(1, 1, 1)
	now.door, now.web = nil, nil
	now.lags[0].Lag, now.lags[0].Seconds = -1, -1
	_, found := scrape(t, now)
	for _, m := range slices.Concat(doorMetrics, httpMetrics, lagMetrics[:3]) {
		if found[m.name] != nil {
			t.Errorf("%v", found[m.name])
		}
	}
}

func TestSeriesAreBounded(t *testing.T) {
	now := busy(50, 50, 1)
	for i := range now.lags[:maxPartitions] {
		now.lags[i].Lag = 1
	}
	_, found := scrape(t, now)
	if found["sluice_consumer_lag_messages"] != nil {
		t.Error("2500 partitions have a series each")
	}
	if n := len(found["sluice_consume_lent_messages_total"].GetMetric()); n != maxSeries {
		t.Errorf("%d series", n)
	}
	// Fifteen metrics by group and topic, and two of the lag, have 500 too many.
	if dropped := value(t, found, seriesDropped); dropped != 17*500 {
		t.Errorf("%v series are said to be left out", dropped)
	}
	now = busy(1, 2, maxPartitions/2)
	_, found = scrape(t, now)
	if n := len(found["sluice_consumer_lag_messages"].GetMetric()); n != maxPartitions {
		t.Errorf("%d series for %d partitions", n, maxPartitions)
	}
	if lag := value(t, found, "sluice_consumer_group_lag_messages", "group=group0", "topic=topic1"); lag != maxPartitions {
		t.Errorf("a lag of %v", lag)
	}
	if oldest := value(t, found, "sluice_consumer_lag_seconds", "group=group0", "topic=topic1"); oldest != maxPartitions/2-1 {
		t.Errorf("%v s", oldest)
	}
}

func TestSeriesThatShareTheirLabelsBecomeOne(t *testing.T) {
	now := &snapshot{beats: []Beat{{"subscription:a", 2 * time.Second, time.Minute}, {"subscription:b", 3 * time.Second, time.Minute}, {"lag", 1, time.Minute}}}
	now.kafkaSnapshot = kafkaSnapshot{
		consumed: []kafka.GroupTopicCounts{
			{Lent: 1}, {Group: "g\xff", Topic: "t", Lent: 2, StandingAge: time.Minute, StandingAttempts: 7}, {Group: "g\xfe", Topic: "t", Lent: 3}, {Group: "a\nb\"", Topic: "t", Lent: 4},
		},
		status: kafka.Status{Subscriptions: []kafka.SubscriptionStatus{
			{Group: "g", Buffered: 5, OldestUnacked: 9 * time.Second, StalledPartitions: 2}, {Group: "g", Buffered: 6, OldestUnacked: 8 * time.Second},
		}},
	}
	_, found := scrape(t, now)
	const lent = "sluice_consume_lent_messages_total"
	for _, tt := range []struct {
		want   float64
		name   string
		labels []string
	}{
		{1, lent, []string{"group=(other)", "topic=(other)"}},
		{5, lent, []string{"group=g\uFFFD", "topic=t"}},
		{4, lent, []string{"group=a\nb\"", "topic=t"}},
		{11, "sluice_consume_buffered_messages", []string{"group=g"}},
		{9, "sluice_oldest_unacked_age_seconds", []string{"group=g"}},
		{1, "sluice_consumer_stalled", []string{"group=g"}},
		{2, "sluice_consumer_stalled_partitions", []string{"group=g"}},
		{7, "sluice_standing_record_attempts", []string{"group=g\uFFFD", "topic=t"}},
		{60, "sluice_standing_record_age_seconds", []string{"group=g\uFFFD", "topic=t"}},
		{3, "sluice_watchdog_beat_age_seconds", []string{"loop=subscription"}},
		{60, "sluice_watchdog_beat_gap_seconds", []string{"loop=lag"}},
	} {
		if got := value(t, found, tt.name, tt.labels...); got != tt.want {
			t.Errorf("%s%v is %v, want %v", tt.name, tt.labels, got, tt.want)
		}
	}
}

func TestFailuresHaveTheirSeries(t *testing.T) {
	now := &snapshot{kafkaSnapshot: kafkaSnapshot{
		consumed: []kafka.GroupTopicCounts{{Group: "g", Topic: "t", Failing: 3, Held: 20, Dying: 1, Deaths: 4}},
		dead: []kafka.DeadCount{
			{Records: 2}, {Group: "g", Topic: "t", Records: 3}, {Group: "g", Topic: "t", Class: "Timeout", Records: 4}, {Group: "g", Topic: "t", Class: kafka.OtherClasses, Records: 5},
		},
		failures: []kafka.GroupFailures{{Group: "g", Attempts: []int64{100, 7, 6}, Failures: map[string]int64{"lease_expired": 5}, LetterErrors: 8}, {Failures: map[string]int64{"released": 9}}},
		status: kafka.Status{Subscriptions: []kafka.SubscriptionStatus{
			{Group: "g", FailingStatus: kafka.FailingStatus{
				Stops: map[kafka.StopReason]int{"crowded": 2, "retry": 1}, Bounds: []kafka.TopicBounds{{Topic: "t", Breaker: kafka.BreakerOpen}, {Topic: "u", Breaker: kafka.BreakerClosed}, {Topic: "v"}},
			}},
			{Group: "g", FailingStatus: kafka.FailingStatus{
				Stops: map[kafka.StopReason]int{"crowded": 3}, Bounds: []kafka.TopicBounds{{Topic: "t", Breaker: kafka.BreakerProbing}},
			}},
		}},
	}}
	_, found := scrape(t, now)
	row := func(more ...string) []string { return append(more, "group=g", "topic=t") }
	const dead, stopped = "sluice_consume_dead_messages_total", "sluice_consume_stopped_partitions"
	for _, tt := range []struct {
		want   float64
		name   string
		labels []string
	}{
		{3, "sluice_consume_failing_messages", row()},
		{20, "sluice_consume_held_messages", row()},
		{1, "sluice_consume_dying_messages", row()},
		{4, "sluice_consume_record_deaths", row()},
		{2, dead, []string{"class=(other)", "group=(other)", "topic=(other)"}},
		{3, dead, row("class=(none)")},
		{4, dead, row("class=Timeout")},
		{5, dead, row("class=(other)")},
		{7, "sluice_consume_retried_messages_total", []string{"attempt=2", "group=g"}},
		{6, "sluice_consume_retried_messages_total", []string{"attempt=3", "group=g"}},
		{5, "sluice_consume_failures_total", []string{"group=g", "reason=lease_expired"}},
		{9, "sluice_consume_failures_total", []string{"group=(other)", "reason=released"}},
		{8, "sluice_consume_dead_letter_errors_total", []string{"group=g"}},
		{5, stopped, []string{"group=g", "reason=crowded"}},
		{1, stopped, []string{"group=g", "reason=retry"}},
		{0, stopped, []string{"group=g", "reason=dead_letter"}},
		{2, "sluice_consume_breaker_state", row()},
		{0, "sluice_consume_breaker_state", []string{"group=g", "topic=u"}},
	} {
		if got := value(t, found, tt.name, tt.labels...); got != tt.want {
			t.Errorf("%s%v is %v, want %v", tt.name, tt.labels, got, tt.want)
		}
	}
	for _, name := range []string{"sluice_consume_retried_messages_total", "sluice_consume_breaker_state"} {
		if n := len(found[name].GetMetric()); n != 2 {
			t.Errorf("%s has %d series", name, n)
		}
	}
}

func TestCommandsAreCountedByTheirResult(t *testing.T) {
	now := &snapshot{door: &resp.Stats{Commands: []resp.CommandStat{{Name: "ping", OK: 3, Failed: 2}}}}
	_, found := scrape(t, now)
	if ok, failed := value(t, found, "sluice_commands_total", "command=ping", "result=ok"),
		value(t, found, "sluice_commands_total", "command=ping", "result=error"); ok != 3 || failed != 2 {
		t.Errorf("%v ok, %v failed", ok, failed)
	}
}

func TestHTTPRequestsAreCountedByRoute(t *testing.T) {
	now := &snapshot{web: &rest.Stats{Connections: 4, Held: 9, Routes: []rest.RouteStat{
		{Classes: [6]int64{4: 1}}, {Method: "POST", Pattern: "/topics/{topic}", Classes: [6]int64{0: 2, 2: 3}},
	}}}
	_, found := scrape(t, now)
	for _, tt := range []struct {
		want   float64
		name   string
		labels []string
	}{
		{4, "sluice_connections", []string{"listener=http"}},
		{9, "sluice_http_held_bytes", nil},
		{1, "sluice_http_requests_total", []string{"method=(other)", "route=(other)", "status=4xx"}},
		{3, "sluice_http_requests_total", []string{"method=POST", "route=/topics/{topic}", "status=2xx"}},
		{2, "sluice_http_requests_total", []string{"method=POST", "route=/topics/{topic}", "status=gone"}},
	} {
		if got := value(t, found, tt.name, tt.labels...); got != tt.want {
			t.Errorf("%s%v is %v, want %v", tt.name, tt.labels, got, tt.want)
		}
	}
}

// TestTheCostOfAScrapeGrowsWithItsSeries counts allocations, because the time of a scrape depends on the machine.
func TestTheCostOfAScrapeGrowsWithItsSeries(t *testing.T) {
	cost := func(groups int) float64 {
		now := busy(groups, 10, 1)
		handler := scrapes(func() *snapshot { return now }, testLog(t))
		return testing.AllocsPerRun(1, func() {
			if w := ask(handler, http.MethodGet, "/metrics", nil); w.Code != http.StatusOK {
				t.Fatal(w.Body)
			}
		})
	}
	fifty, hundred := cost(50), cost(100)
	t.Logf("%v and %v allocations", fifty, hundred)
	if hundred > 2.5*fifty || fifty > 250_000 {
		t.Errorf("fifty groups cost %v allocations, a hundred %v", fifty, hundred)
	}
}

// BenchmarkScrape is a scrape of fifty groups.
func BenchmarkScrape(b *testing.B) {
	now := busy(50, 10, 1)
	handler := scrapes(func() *snapshot { return now }, slog.New(slog.DiscardHandler))
	for b.Loop() {
		ask(handler, http.MethodGet, "/metrics", nil)
	}
}

func TestScrapesAtOnceAreBounded(t *testing.T) {
	begun, finish := make(chan struct{}), make(chan struct{})
	handler := scrapes(func() *snapshot {
		begun <- struct{}{}
		<-finish
		return &snapshot{}
	}, testLog(t))
	answered := make(chan int, maxScrapes)
	for range maxScrapes {
		go func() { answered <- ask(handler, http.MethodGet, "/metrics", nil).Code }()
	}
	for range maxScrapes {
		<-begun
	}
	if w := ask(handler, http.MethodGet, "/metrics", nil); w.Code != http.StatusServiceUnavailable {
		t.Errorf("%d for one too many", w.Code)
	}
	close(finish)
	for range maxScrapes {
		if status := <-answered; status != http.StatusOK {
			t.Errorf("%d", status)
		}
	}
}

// sampleNames are the names that a query can ask for.
func sampleNames(found map[string]*dto.MetricFamily) map[string]bool {
	names := map[string]bool{}
	for name := range maps.Keys(found) {
		names[name] = true
		if found[name].GetType() == dto.MetricType_HISTOGRAM {
			names[name+"_bucket"], names[name+"_sum"], names[name+"_count"] = true, true, true
		}
	}
	return names
}
