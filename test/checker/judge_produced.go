package main

import (
	"strconv"
	"strings"
)

// The rules of producing.
const (
	ruleLost       = "a produce was answered :1 and is not in the topic"
	ruleTwice      = "a record was produced once and is in the topic twice"
	rulePhantom    = "a record is in a topic and nobody sent it there"
	ruleRefused    = "a produce was refused as not written and is in the topic"
	ruleOrder      = "records of one key are not in the order in which they were produced"
	ruleNotStarted = "an answer came for what was not sent"
)

// operation is one produced record.
type operation struct {
	topic  string
	answer kind // okay, refused, or "" for unknown
	copies int
}

// produced is the state of judging the produce side.
type produced struct {
	*history
	verdict    *verdict
	operations map[string]*operation // by value, which is unique
	answered   map[string][]int64    // when, by topic
}

func judgeProduced(h *history, v *verdict) {
	p := &produced{history: h, verdict: v, operations: map[string]*operation{}, answered: map[string][]int64{}}
	for i := range h.Events {
		p.event(&h.Events[i])
	}
	for _, r := range h.Log {
		p.stored(r)
	}
	disordered := p.order()
	rows := map[string]*row{}
	for value, o := range p.operations {
		r := rows[o.topic]
		if r == nil {
			r = &row{Path: p.path(o.topic), Disordered: disordered[o.topic], Stall: longestGap(h.Load, p.answered[o.topic])}
			rows[o.topic] = r
		}
		p.end(value, o, r)
	}
	for _, topic := range sortedKeys(rows) {
		v.Rows = append(v.Rows, *rows[topic])
	}
}

func (p *produced) path(topic string) string {
	if topic == p.Buffered {
		return path(p.history, "RPUSHX", "POST async")
	}
	return path(p.history, "RPUSH", "POST")
}

// path names a way through sluice.
func path(h *history, redis, web string) string {
	if h.Web {
		return web
	}
	return redis
}

func (p *produced) event(e *event) {
	switch e.Kind {
	case sent:
		p.operations[e.Value] = &operation{topic: e.At.Topic}
	case okay, refused:
		o := p.operations[e.Value]
		if o == nil {
			p.verdict.breach(ruleNotStarted, "%s %s", e.Client, e.Value)
			return
		}
		o.answer = e.Kind
		if e.Kind == okay {
			p.answered[o.topic] = append(p.answered[o.topic], e.Time)
		}
	case got, acking, ackingOne, acked, stale, trouble: // the consumers' side
	}
}

func (p *produced) stored(r stored) {
	o := p.operations[r.Value]
	if o == nil || o.topic != r.Topic {
		p.verdict.breach(rulePhantom, "%s %q", r.place, r.Value)
		return
	}
	o.copies++
}

// end judges how one record ended.
func (p *produced) end(value string, o *operation, r *row) {
	r.Operations++
	if o.copies > 1 {
		r.Duplicated += o.copies - 1
		if p.Failed == 0 {
			p.verdict.breach(ruleTwice, "%s %q", o.topic, value)
		}
	}
	switch o.answer {
	case okay:
		r.OK++
		if o.copies == 0 {
			p.lose(value, o, r)
		}
	case refused:
		r.Refused++
		if o.copies > 0 {
			p.verdict.breach(ruleRefused, "%s %q", o.topic, value)
		}
	default:
		r.Unknown++
	}
}

func (p *produced) lose(value string, o *operation, r *row) {
	r.Lost++
	if o.topic != p.Buffered || !p.BufferedMayVanish && r.Lost > p.Failed {
		p.verdict.breach(ruleLost, "%s %q", o.topic, value)
	}
}

// order counts, by topic, the answered records that stand before an older one of the same producer
// and key. What was not answered may have been under way when its producer went on. So may a buffered
// record of a sluice that was killed: brokers that stood still then may read it from its connection
// after what its successor sent, which to Kafka is another producer.
func (p *produced) order() map[string]int {
	disordered := map[string]int{}
	last := map[string]int{}
	for _, r := range p.Log {
		o := p.operations[r.Value]
		if o == nil || o.answer != okay || o.copies > 1 {
			continue
		}
		producer, n := split(r.Value)
		line := r.Topic + " " + r.Key + " " + producer
		if before, known := last[line]; known && n < before {
			disordered[r.Topic]++
			if r.Topic == p.Buffered && p.BufferedMayVanish {
				continue // see order
			}
			p.verdict.breach(ruleOrder, "%s key %s: %s after %d", r.place, r.Key, r.Value, before)
			continue
		}
		last[line] = n
	}
	return disordered
}

// name makes the value of a producer's nth record.
func name(producer string, n int) string { return producer + "/" + strconv.Itoa(n) }

// split takes a value apart again.
func split(value string) (producer string, n int) {
	producer, number, _ := strings.Cut(value, "/")
	n, err := strconv.Atoi(number)
	if err != nil {
		return value, -1
	}
	return producer, n
}
