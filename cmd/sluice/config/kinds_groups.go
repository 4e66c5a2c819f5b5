package config

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/goccy/go-yaml/ast"

	"github.com/sluice-proxy/sluice/kafka"
)

// groupPolicies reads what becomes of records whose processing fails, by group and topic.
func groupPolicies(to *kafka.Policies) kind {
	return kind{
		accepts: "groups, each with topics, each with a policy", show: func() string { return "{}" },
		get: func() any {
			if len(*to) == 0 {
				return kafka.Policies(nil)
			}
			return *to
		},
		set: func(v any) { *to = v.(kafka.Policies) },
		node: func(f *yamlFile, name string, node ast.Node) {
			r := policyReader{yamlFile: f, places: map[place]ast.Node{}}
			r.read(name, node)
			*to = r.all
			for _, m := range r.all.Mistakes() {
				f.wrong(r.placeOf(m), "%v", m)
			}
		},
	}
}

// policyReader reads the policies of all groups.
type policyReader struct {
	*yamlFile

	all    kafka.Policies
	places map[place]ast.Node
}

// place is what is written in a section of policies. A group has no topic and no key, a topic has no key.
type place struct{ group, topic, key string }

// placeOf is where the part is that a mistake is about, or what is above it.
func (r *policyReader) placeOf(m *kafka.PolicyError) ast.Node {
	for _, p := range []place{{m.Group, m.Topic, m.Key}, {m.Group, m.Topic, ""}} {
		if node := r.places[p]; node != nil {
			return node
		}
	}
	return r.places[place{group: m.Group}]
}

func (r *policyReader) read(name string, node ast.Node) {
	r.mapping(name, node, func(group string, at ast.MapKeyNode, value ast.Node) {
		r.places[place{group: group}] = at
		policies := kafka.GroupPolicies{Group: group}
		full := join(name, group)
		topics := kind{node: func(_ *yamlFile, name string, node ast.Node) {
			r.mapping(name, node, func(topic string, at ast.MapKeyNode, value ast.Node) {
				r.places[place{group, topic, ""}] = at
				if policy, ok := r.policy(join(name, topic), place{group: group, topic: topic}, value); ok {
					policies.Topics = append(policies.Topics, kafka.TopicPolicy{Topic: topic, Policy: policy})
				}
			})
		}}
		r.keyed(full, value, map[string]kind{"topics": topics})
		r.all = append(r.all, policies)
	})
}

// policy reads one policy. It is not ok if something in it cannot be read: what else is wrong there may be a consequence.
func (r *policyReader) policy(full string, at place, node ast.Node) (p kafka.Policy, ok bool) {
	before := len(r.errs)
	p.MaxRetries = kafka.RetriesByDefault
	r.keyed(full, node, policyKeys(&p))
	if m, is := node.(ast.MapNode); is {
		for it := m.MapRange(); it.Next(); {
			at.key = it.Key().GetToken().Value
			r.places[at] = it.Value()
		}
	}
	return p, len(r.errs) == before
}

const (
	day  = 24 * time.Hour
	year = 365 * day
)

// policyKeys are the keys of a policy.
func policyKeys(p *kafka.Policy) map[string]kind {
	return map[string]kind{
		"backoff":         span(&p.Backoff, time.Millisecond, day),
		"multiplier":      number(&p.Multiplier, 1, 10),
		"max_backoff":     span(&p.MaxBackoff, time.Millisecond, day),
		"max_retries":     retries(&p.MaxRetries),
		"max_deliveries":  integer(&p.MaxDeliveries, 1, 1000),
		"lease":           span(&p.Lease, time.Second, day/2),
		"dispatch":        choice(&p.Dispatch, kafka.Ordered, kafka.Keyed, kafka.Shared),
		"on_error":        choice(&p.OnError, kafka.BlockPartition, kafka.BlockKey, kafka.Pass),
		"dead_letter":     deadLetter(&p.DeadLetter.Topic, &p.DeadLetter.Auto, &p.DeadLetter.Skip),
		"rate":            rate(&p.Rate.Limit, &p.Rate.Per),
		"max_concurrency": integer(&p.MaxConcurrency, 1, 1_000_000),
		"breaker":         breaker(&p.Breaker.Failures, &p.Breaker.Probe),
		"expire_after":    span(&p.ExpireAfter, time.Second, year),
		"overrides":       overrides(&p.Overrides),
	}
}

// retries reads a number of retries, or the word for no end of them.
func retries(to *int) kind {
	k := integer(to, 0, 1000)
	k.parse = func(given string) error {
		if given == "unlimited" {
			*to = kafka.Unlimited
			return nil
		}
		n, err := strconv.Atoi(given)
		if err != nil {
			return fmt.Errorf("%q is neither a whole number nor unlimited", given)
		}
		return assign(to, n, 0, 1000, strconv.Itoa)
	}
	return k
}

// deadLetter reads where records go that are given up: {} for a topic of its own, {topic: NAME}, or skip.
func deadLetter(topic *string, auto, skip *bool) kind {
	return kind{node: func(f *yamlFile, name string, node ast.Node) {
		if _, is := node.(ast.MapNode); !is {
			given, err := scalarText(node)
			if err != nil || given != "skip" {
				f.wrong(node, "%s: %s is none of {}, {topic: NAME} and skip", name, describe(node))
			}
			*skip = true
			return
		}
		named := text(topic, "name of a topic")
		named.parse = func(given string) error {
			if given == "" {
				return errors.New("is empty; leave the key out for dlq.<topic>.<group>")
			}
			*topic = given
			return nil
		}
		f.keyed(name, node, map[string]kind{"topic": named})
		*auto = *topic == ""
	}}
}

// rate reads a number of records in a time.
func rate(limit *int, per *time.Duration) kind {
	return kind{node: func(f *yamlFile, name string, node ast.Node) {
		*per = time.Second
		before := len(f.errs)
		f.keyed(name, node, map[string]kind{"limit": integer(limit, 1, 1_000_000), "per": span(per, time.Millisecond, day)})
		if *limit == 0 && len(f.errs) == before {
			f.wrong(node, "%s: needs a limit, such as {limit: 100, per: 1s}", name)
		}
	}}
}

// breaker reads when lending stops, with defaults for what is not given.
func breaker(failures *int, probe *time.Duration) kind {
	return kind{node: func(f *yamlFile, name string, node ast.Node) {
		*failures, *probe = kafka.DefaultBreaker.Failures, kafka.DefaultBreaker.Probe
		f.keyed(name, node, map[string]kind{"failures": integer(failures, 1, 1000), "probe": duration(probe)})
	}}
}

// overrides reads the names of settings that clients may set, and drops what they begin with.
func overrides(to *[]string) kind {
	same := func(name string) string { return name }
	return listOf(to, "names", same, func(given string) (string, error) {
		if why := kafka.WrongOverride(given); why != "" {
			return "", errors.New(why)
		}
		return strings.TrimPrefix(given, kafka.OverridePrefix), nil
	})
}
