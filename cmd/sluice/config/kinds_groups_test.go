package config

import (
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sluice-proxy/sluice/kafka"
)

func TestPoliciesOfGroupsKeepTheirOrderAndUnits(t *testing.T) {
	cfg, err := read(`
groups:
  team/billing:
    topics:
      orders: {max_retries: 3, backoff: 500ms, dead_letter: {}}
      "pay*": {dead_letter: {topic: legacy_inventory_dlq}}
      audit:
        backoff: 1d
        multiplier: 1.5
        max_backoff: 24h
        max_retries: unlimited
        max_deliveries: 7
        lease: 12h
        dispatch: keyed
        on_error: pass
        dead_letter: skip
        rate: {limit: 100}
        max_concurrency: 8
        breaker: {}
        expire_after: 30d
        overrides: [sluice.dispatch, sluice.lease]
  7: {topics: {"*": {rate: {limit: 5, per: 1m}, breaker: {failures: 3}}}}
  "*":
    topics:
      orders:
  nothing:
`)
	if err != nil {
		t.Fatal(err)
	}
	unset := kafka.Policy{MaxRetries: kafka.RetriesByDefault}
	orders, payments, all := unset, unset, unset
	orders.MaxRetries, orders.Backoff, orders.DeadLetter.Auto = 3, 500*time.Millisecond, true
	payments.DeadLetter.Topic = "legacy_inventory_dlq"
	all.Rate.Limit, all.Rate.Per = 5, time.Minute
	all.Breaker.Failures, all.Breaker.Probe = 3, 4*time.Second
	audit := kafka.Policy{
		Backoff: 24 * time.Hour, Multiplier: 1.5, MaxBackoff: 24 * time.Hour, MaxRetries: kafka.Unlimited, MaxDeliveries: 7,
		Lease: 12 * time.Hour, Dispatch: kafka.Keyed, OnError: kafka.Pass, MaxConcurrency: 8, Breaker: kafka.DefaultBreaker,
		ExpireAfter: 30 * 24 * time.Hour, Overrides: []string{"dispatch", "lease"},
	}
	audit.DeadLetter.Skip = true
	audit.Rate.Limit, audit.Rate.Per = 100, time.Second
	want := kafka.Policies{
		{Group: "team/billing", Topics: []kafka.TopicPolicy{{Topic: "orders", Policy: orders}, {Topic: "pay*", Policy: payments}, {Topic: "audit", Policy: audit}}},
		{Group: "7", Topics: []kafka.TopicPolicy{{Topic: "*", Policy: all}}},
		{Group: "*", Topics: []kafka.TopicPolicy{{Topic: "orders", Policy: unset}}},
		{Group: "nothing"},
	}
	if diff := cmp.Diff(want, cfg.Kafka.Failures); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestEveryMistakeInAPolicyIsNamedWithItsPlace(t *testing.T) {
	const in = "groups:\n  g:\n    topics:\n      t:\n        " // 8 columns, line 5
	at := func(column, text string) string { return "sluice.yaml:5:" + column + ": groups.g.topics.t." + text }
	const keys = "backoff, breaker, dead_letter, dispatch, expire_after, lease, max_backoff, max_concurrency, max_deliveries, max_retries, multiplier, on_error, overrides, rate"
	for _, test := range []struct{ content, want string }{
		{in + "backof: 1s", `sluice.yaml:5:9: unknown key "backof" in groups.g.topics.t: there are ` + keys},
		{in + "backoff: 1", at("18", `backoff: "1" is not a duration such as 500ms, 30s, 5m or 2d`)},
		{in + "backoff: 0s", at("18", "backoff: 0s is less than 1ms")},
		{in + "backoff: 25h", at("18", "backoff: 25h is more than 24h")},
		{in + "backoff: [1s]", at("18", "backoff: needs a single value, not a list")},
		{in + "backoff: *x", at("18", "backoff: needs a single value, not an anchor, an alias or a tag")},
		{in + "multiplier: 0.9", at("21", `multiplier: "0.9" is not a number from 1 to 10`)},
		{in + "multiplier: .nan", at("21", `multiplier: ".nan" is not a number from 1 to 10`)},
		{in + "max_backoff: 1s1d", at("22", `max_backoff: "1s1d" is not a duration such as 500ms, 30s, 5m or 2d`)},
		{in + "max_backoff: 10ms", at("22", "max_backoff: 10ms is less than backoff, which is 1s")},
		{in + "max_retries: -1", at("22", "max_retries: -1 is less than 0")},
		{in + "max_retries: 1001", at("22", "max_retries: 1001 is more than 1000")},
		{in + "max_retries: forever", at("22", `max_retries: "forever" is neither a whole number nor unlimited`)},
		{in + "max_retries: 3", at("22", "max_retries: 3 needs dead_letter: a record that cannot be given up is tried again for ever")},
		{in + "max_deliveries: 0", at("25", "max_deliveries: 0 is less than 1")},
		{in + "lease: 13h", at("16", "lease: 13h is more than 12h")},
		{in + "dispatch: any", at("19", `dispatch: "any" is not one of ordered, keyed, shared`)},
		{in + "on_error: block", at("19", `on_error: "block" is not one of partition, key, pass`)},
		{in + "dead_letter: drop", at("22", `dead_letter: "drop" is none of {}, {topic: NAME} and skip`)},
		{in + "dead_letter:", at("22", `dead_letter: nothing is none of {}, {topic: NAME} and skip`)},
		{in + "dead_letter: [skip]", at("22", `dead_letter: a list is none of {}, {topic: NAME} and skip`)},
		{in + "dead_letter: {name: x}", `sluice.yaml:5:23: unknown key "name" in groups.g.topics.t.dead_letter: there is only topic`},
		{in + "dead_letter: {topic: ''}", at("30", "dead_letter.topic: is empty; leave the key out for dlq.<topic>.<group>")},
		{in + "dead_letter: {topic: a b}", at("22", `dead_letter: "a b" is not the name of a topic: 1 to 249 of A-Z, a-z, 0-9, ., _ and -`)},
		{in + "dead_letter: {topic: t}", at("22", "dead_letter: t is the topic itself; dead letters need another one")},
		{in + "rate: 100", at("15", `rate: needs keys below it, not "100"`)},
		{in + "rate: {per: 1s}", at("15", "rate: needs a limit, such as {limit: 100, per: 1s}")},
		{in + "rate: {limit: 0}", at("23", "rate.limit: 0 is less than 1")},
		{in + "rate: {limit: 1, interval: 1s}", `sluice.yaml:5:26: unknown key "interval" in groups.g.topics.t.rate: there are limit, per`},
		{in + "max_concurrency: x", at("26", `max_concurrency: "x" is not a whole number`)},
		{in + "breaker: {failures: 0}", at("29", "breaker.failures: 0 is less than 1")},
		{in + "breaker: {probe: 2h}", at("26", "breaker.probe: 2h is more than 1h")},
		{in + "expire_after: 366d", at("23", "expire_after: 366d is more than 365d")},
		{in + "expire_after: 1h", at("23", "expire_after: 1h0m0s needs dead_letter: a record that cannot be given up does not expire")},
		{in + "overrides: [sluice.lease, lease]", at("35", `overrides: "lease" is not one of sluice.backoff, sluice.dispatch, sluice.lease, sluice.max_retries, sluice.on_error`)},
		{in + "overrides: [sluice.rate]", at("21", `overrides: "sluice.rate" is not one of sluice.backoff, sluice.dispatch, sluice.lease, sluice.max_retries, sluice.on_error`)},
		{in + "lease: 1s\n        lease: 2s", `sluice.yaml:6:9: mapping key "lease" already defined at [5:9]`},
		{in + "lease: 0s\n        max_retries: 3", at("16", "lease: 0s is less than 1s")}, // and no more, until it can be read

		{"groups:\n  *: {}\n", `sluice.yaml:2:6: value is not allowed in this context: a pattern that begins with * stands in quotes`},
		{"groups:\n  a: {}\n  *b:\n    topics: {}\n", `sluice.yaml:3:3: non-map value is specified: a pattern that begins with * stands in quotes`},
		{"groups:\n  *:\n    topics: {}\n", `sluice.yaml:3:5: value is not allowed in this context: a pattern that begins with * stands in quotes`},
		{"groups: {*: {}}\n", `sluice.yaml:1:10: could not find flow map content: a pattern that begins with * stands in quotes`},
		{"groups: [g]\n", `sluice.yaml:1:9: groups: needs keys below it, not a list`},
		{"groups: {g: {orders: {}}}\n", `sluice.yaml:1:14: unknown key "orders" in groups.g: there is only topics`},
		{"groups: {g: {topics: {t: x}}}\n", `sluice.yaml:1:26: groups.g.topics.t: needs keys below it, not "x"`},
		{"groups: {g: {topics: {'a b': {}}}}\n", `sluice.yaml:1:23: groups.g.topics.a b: "a b" is neither the name of a topic nor a pattern: 1 to 249 of A-Z, a-z, 0-9, ., _ and -, with * and ? in patterns`},
		{"groups: {'': {topics: {t: {}}}}\n", `sluice.yaml:1:10: groups.: "" is no name of a group: 1 to 249 bytes, and only what can be printed`},
		{"groups: {g: {topics: {t: {}, 't': {}}}}\n", `sluice.yaml:1:30: mapping key "t" already defined at [1:23]`},
		{"groups:\n  g: {}\n  \"g\": {}\n", `sluice.yaml:3:3: mapping key "g" already defined at [2:3]`},
		{"groups: {g: {topics: {'*': {}, 'a*': {}}}}\n", `sluice.yaml:1:32: groups.g.topics.a*: is never used: "*" stands above it, and the first pattern that a topic fits decides`},
		{
			"groups: {g: {topics: {a: {dispatch: keyed}, b: {dispatch: shared}}}}\n",
			`sluice.yaml:1:59: groups.g.topics.b.dispatch: shared differs from keyed, which a has: all topics of a group have the same`,
		},
		{
			"groups:\n  g: {topics: {a: {dead_letter: {topic: b}}}}\n  h:\n    topics:\n      b: {dead_letter: {}}\n",
			`sluice.yaml:5:24: groups.h.topics.b.dead_letter: b is for dead letters, which have no dead letters of their own; only skip is allowed`,
		},
		{
			"groups: {g: {topics: {'dlq.*': {dead_letter: {}}, t: {expire_after: 1s}}}}\n",
			`sluice.yaml:1:46: groups.g.topics.dlq.*.dead_letter: dlq.* is for dead letters, which have no dead letters of their own; only skip is allowed
sluice.yaml:1:69: groups.g.topics.t.expire_after: 1s needs dead_letter: a record that cannot be given up does not expire`,
		},
	} {
		_, err := read(test.content)
		if err == nil {
			t.Errorf("%q: accepted", test.content)
			continue
		}
		if diff := cmp.Diff(test.want, err.Error()); diff != "" {
			t.Errorf("%q (-want +got):\n%s", test.content, diff)
		}
	}
}

// The sample's commented example has every key of a policy, with its default where there is one.
func TestTheSamplesPoliciesAreCompleteAndValid(t *testing.T) {
	content, err := os.ReadFile("../../../docs/sluice.yaml")
	if err != nil {
		t.Fatal(err)
	}
	_, example, found := strings.Cut(string(content), "\ngroups: {}\n")
	example, _, ended := strings.Cut(example, "\n\n")
	if !found || !ended {
		t.Fatal("the sample has no groups")
	}
	cfg, err := read("groups:\n" + strings.ReplaceAll("\n"+example+"\n", "\n  # ", "\n  "))
	if err != nil {
		t.Fatal(err)
	}
	var p kafka.Policy
	for key := range policyKeys(&p) {
		if !strings.Contains(example, "\n  #       "+key+": ") {
			t.Errorf("%s is missing from the sample", key)
		}
	}
	got := cfg.Kafka.Failures.Find("billing", "orders")
	want := kafka.Policies{{Group: "*", Topics: []kafka.TopicPolicy{{Topic: "*", Policy: kafka.Policy{
		MaxRetries: kafka.RetriesByDefault, DeadLetter: got.DeadLetter, Breaker: kafka.DefaultBreaker,
		// These have no default.
		Lease: time.Minute, Dispatch: kafka.Ordered, OnError: kafka.BlockPartition, MaxConcurrency: 50, Rate: got.Rate,
		ExpireAfter: 7 * 24 * time.Hour, Overrides: []string{"lease", "backoff"},
	}}}}}.Find("billing", "orders")
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the sample differs from the defaults (-want +got):\n%s", diff)
	}
	if got := cfg.Kafka.Failures.Find("billing", "payments").Backoff; got != 5*time.Second {
		t.Errorf("other topics of billing have the backoff %v", got)
	}
	if got := cfg.Kafka.Failures.Find("ship", "orders").MaxRetries; got != 5 {
		t.Errorf("other groups have %d retries", got)
	}
}

func TestAReloadTakesPoliciesForNewLeases(t *testing.T) {
	const before = "kafka: {brokers: [a]}\ngroups: {g: {topics: {t: {backoff: 2s}}}}\n"
	flags, running := started(t, before)
	if r, err := flags.Reload(running); err != nil || len(r.changes) > 0 {
		t.Errorf("the same file: %v, %v", r.changes, err)
	}
	for _, content := range []string{
		strings.Replace(before, "2s", "3s", 1), strings.Replace(before, "{t:", "{u:", 1), strings.Replace(before, "t:", "u: {}, t:", 1),
		"kafka: {brokers: [a]}\ngroups: {}\n",
	} {
		rewrite(t, flags.Config, content)
		r, err := flags.Reload(running)
		if err != nil || !slices.Equal(r.Report().Changed, []string{"groups"}) {
			t.Errorf("%q: %v, %v", content, r.Report(), err)
		}
	}
	if TakesEffect("groups") != "for new leases" {
		t.Error(TakesEffect("groups"))
	}
	rewrite(t, flags.Config, strings.Replace(before, "2s", "2d", 1))
	if _, err := flags.Reload(running); err == nil || !strings.HasSuffix(err.Error(), ":2:36: groups.g.topics.t.backoff: 2d is more than 24h") {
		t.Errorf("a wrong file: %v", err)
	}
}
