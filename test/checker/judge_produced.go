package main

import (
	"fmt"
	"slices"
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
	ruleInnocent   = "a good record was rejected"
	ruleBystander  = "a produce to a healthy topic was not answered :1"
	ruleNotStarted = "an answer came for what was not sent"
)

// operation is one produced record.
type operation struct {
	topic    string
	bad      bool // brokers must refuse it
	answer   kind // okay, refused, or "" for unknown
	rejected bool // refused, and not to be sent again
	copies   int
}

// produced is the state of judging the produce side.
type produced struct {
	*history
	verdict    *verdict
	operations map[string]*operation // by value, which is unique
	answered   map[string][]int64    // when, by topic
	rejections int                   // of buffered records, which nobody was told, that may still be of good ones
}

func judgeProduced(h *history, v *verdict) {
	p := &produced{history: h, verdict: v, operations: map[string]*operation{}, answered: map[string][]int64{}}
	for i := range h.Events {
		p.event(&h.Events[i])
	}
	for _, r := range slices.Concat(h.Log, h.Deleted, h.Gone) {
		p.stored(r)
	}
	p.rejections = p.unexplained()
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
	if topic == p.Topics.Buffered {
		return path(p.history, "RPUSHX", "POST async")
	}
	if topic == p.Topics.Fresh {
		return path(p.history, "RPUSH new", "POST new")
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
	if p.Topics.isSick(e.At.Topic) {
		return
	}
	switch e.Kind {
	case sent:
		p.operations[e.Value] = &operation{topic: e.At.Topic, bad: e.Text == bad}
	case okay, refused:
		o := p.operations[e.Value]
		if o == nil {
			p.verdict.breach(ruleNotStarted, "%s %s", e.Client, e.Value)
			return
		}
		o.answer, o.rejected = e.Kind, strings.Contains(e.Text, rejected)
		if e.Kind == okay {
			p.answered[o.topic] = append(p.answered[o.topic], e.Time)
		}
	case got, acking, ackingOne, acked, stale, trouble: // the consumers' side
	}
}

func (p *produced) stored(r stored) {
	if producer, _ := split(r.Value); producer == planter || p.Given != nil {
		return
	}
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
		if p.Counted.Failed == 0 {
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
		p.refuse(value, o, r)
	default:
		r.Unknown++
	}
	if p.Topics.isHealthy(o.topic) && o.answer != okay && !o.bad && !o.rejected {
		p.verdict.breach(ruleBystander, "%s %q", o.topic, value)
	}
}

// refuse judges a record that was answered "not written".
func (p *produced) refuse(value string, o *operation, r *row) {
	if o.copies > 0 {
		p.verdict.breach(ruleRefused, "%s %q", o.topic, value)
	}
	if o.bad || !o.rejected {
		r.Refused++
		return
	}
	r.Wrongly++
	p.verdict.breach(ruleInnocent, "%s %q", o.topic, value)
}

// lose judges a record that was answered :1 and is not there.
func (p *produced) lose(value string, o *operation, r *row) {
	switch {
	case o.bad && o.topic == p.Topics.Buffered:
		r.Refused++ // as it had to be: nobody was told, but sluice counts it
		r.OK--
	case o.topic == p.Topics.Buffered && p.rejections > 0:
		p.rejections--
		r.Wrongly++
		p.verdict.breach(ruleInnocent, "%s %q", o.topic, value)
	default:
		r.Lost++
		failed := p.Counted.Failed
		if p.Topics.isHealthy(o.topic) {
			failed = 0 // what failed may be others'
		}
		if o.topic != p.Topics.Buffered || !p.BufferedMayVanish && r.Lost > failed {
			p.verdict.breach(ruleLost, "%s %q", o.topic, value)
		}
	}
}

// unexplained is how many buffered records sluice says it rejected beyond those that are bad.
func (p *produced) unexplained() int {
	n := p.Counted.Rejected
	for _, o := range p.operations {
		if o.rejected || o.bad && o.topic == p.Topics.Buffered && o.answer == okay && o.copies == 0 {
			n--
		}
	}
	return max(n, 0)
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
		line := fmt.Sprint(r.Topic, " ", r.Partition, " ", r.Key, " ", producer)
		if before, known := last[line]; known && n < before {
			disordered[r.Topic]++
			if r.Topic == p.Topics.Buffered && p.BufferedMayVanish || p.Unordered {
				continue // see order
			}
			p.verdict.breach(ruleOrder, "%s key %s: %s after %d", r.place, r.Key, r.Value, before)
			continue
		}
		last[line] = n
	}
	return disordered
}

// rejected is what an answer says of a record that would fail again.
const rejected = "rejected:"

// planter is the producer of records that the trial writes itself, past sluice.
const planter = "kafka"

// name makes the value of a producer's nth record.
func name(producer string, n int) string { return producer + "/" + strconv.Itoa(n) }

// split takes a value apart again.
func split(value string) (producer string, n int) {
	producer, number, _ := strings.Cut(value, "/")
	number, _, _ = strings.Cut(number, "/") // what follows makes it large
	n, err := strconv.Atoi(number)
	if err != nil {
		return value, -1
	}
	return producer, n
}
