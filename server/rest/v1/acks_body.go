package v1

import (
	"net/http"
	"time"
	"unicode/utf8"

	"github.com/sluice-proxy/sluice/kafka"
	"github.com/sluice-proxy/sluice/server/failurejson"
	"github.com/sluice-proxy/sluice/server/jsonscan"
	"github.com/sluice-proxy/sluice/server/lender"
	"github.com/sluice-proxy/sluice/server/rest/exchange"
)

// acksParser reads the body of a request that settles leases:
//
// {"ack":["<lease>",...],"release":[{"lease":"...","delay_ms":30000,"class":"Timeout","message":"...","backtrace":"..."}],
// "reject":[{"lease":"...","class":"BadSku","message":"...","backtrace":"..."}],"renew":[{"lease":"...","ack_timeout_ms":60000}]}
//
// Each element is a lease, or an object with one. Other members of a lent record are ignored, so that a worker can
// send a record back as it is.
type acksParser struct {
	jsonscan.Scanner

	list []lender.Settlement
}

// The names of the lists, and what an object in one may say.
var verbs = map[string]lender.Verb{"ack": lender.Accept, "release": lender.Release, "reject": lender.Reject, "renew": lender.Renew}

const maxSettlements = 10_000

// parseAcks reads a whole body, before anything of it is done.
func parseAcks(body []byte) ([]lender.Settlement, error) {
	if !utf8.Valid(body) {
		return nil, jsonscan.NotUTF8("the body")
	}
	s := &acksParser{Scanner: jsonscan.New(body)}
	if s.Peek() != '{' {
		return nil, s.Unexpected("expected an object with \"ack\", \"release\", \"reject\" or \"renew\"")
	}
	more, err := s.Enter('{')
	for more && err == nil {
		if err = s.readVerb(); err != nil {
			break
		}
		more, err = s.Next('{')
	}
	if err == nil {
		err = s.End()
	}
	return s.list, err
}

// readVerb reads one list.
func (s *acksParser) readVerb() error {
	name, err := s.Name()
	if err != nil {
		return err
	}
	v, known := verbs[string(name)]
	if !known {
		return exchange.Invalid("Unrecognized field: %s", name)
	}
	if s.Peek() != '[' {
		return s.Unexpected("%q is not a list", name)
	}
	more, err := s.Enter('[')
	for more && err == nil {
		if len(s.list) == maxSettlements {
			return exchange.Errorf(http.StatusRequestEntityTooLarge, "more than %d leases in a request", maxSettlements)
		}
		if err = s.readLease(v); err != nil {
			break
		}
		more, err = s.Next('[')
	}
	return err
}

// readLease reads one element of a list.
func (s *acksParser) readLease(v lender.Verb) error {
	item := lender.Settlement{Verb: v}
	if v == lender.Release {
		item.Span = kafka.ByPolicy
	}
	switch s.Peek() {
	case '"':
		raw, err := s.Value()
		if err == nil {
			item.Lease, err = leaseOf(raw)
		}
		if err != nil {
			return err
		}
	case '{':
		if err := s.readObject(&item); err != nil {
			return err
		}
	default:
		return s.Unexpected("expected a lease, or an object with one")
	}
	s.list = append(s.list, item)
	return nil
}

// readObject reads a lease with what is said about it. Topic, partition and offset do not say which delivery is meant:
// a late acknowledgement would count for the worker that has the record now.
func (s *acksParser) readObject(item *lender.Settlement) error {
	more, err := s.Enter('{')
	for more && err == nil {
		if err = s.readField(item); err != nil {
			break
		}
		more, err = s.Next('{')
	}
	if err == nil && item.Lease == (lender.ID{}) {
		err = exchange.Invalid("an object has no \"lease\": topic, partition and offset do not say which delivery is meant")
	}
	return err
}

// readField reads a member of an object.
func (s *acksParser) readField(item *lender.Settlement) error {
	name, err := s.Name()
	if err != nil {
		return err
	}
	raw, err := s.Value()
	if err != nil {
		return err
	}
	switch field := string(name); {
	case field == "lease":
		item.Lease, err = leaseOf(raw)
		return err
	case ofRecord[field]:
		return nil
	case members[item.Verb] != nil:
		known, err := members[item.Verb](item, field, raw)
		if known || err != nil {
			return err
		}
	}
	return exchange.Invalid("Unrecognized field: %s", name)
}

// ofRecord are the members of a record that was taken.
var ofRecord = map[string]bool{
	"topic": true, "partition": true, "offset": true, "timestamp": true, "key": true, "value": true, "headers": true, "key_encoding": true,
	"value_encoding": true, "delivery": true,
}

// members have what an object may say beside its lease, by verb.
var members = map[lender.Verb]func(item *lender.Settlement, name string, raw []byte) (known bool, err error){
	lender.Release: func(item *lender.Settlement, name string, raw []byte) (known bool, err error) {
		if name == "delay_ms" {
			item.Span, err = failurejson.Delay(raw)
			return true, err
		}
		return failurejson.Field(&item.Failure, name, raw)
	},
	lender.Reject: func(item *lender.Settlement, name string, raw []byte) (known bool, err error) {
		if name == "reason" {
			name = "message"
		}
		return failurejson.Field(&item.Failure, name, raw)
	},
	lender.Renew: func(item *lender.Settlement, name string, raw []byte) (known bool, err error) {
		if name != "ack_timeout_ms" {
			return false, nil
		}
		item.Span, err = readSpan(raw)
		return true, err
	},
}

// leaseOf reads a lease.
func leaseOf(raw []byte) (id lender.ID, err error) {
	ok := false
	if raw[0] == '"' {
		id, ok = lender.ParseID(jsonscan.Unquote(raw))
	}
	if !ok || id == (lender.ID{}) {
		err = exchange.Invalid("%.60s is no lease", raw)
	}
	return id, err
}

// readSpan reads ack_timeout_ms.
func readSpan(raw []byte) (time.Duration, error) {
	n, err := jsonscan.Number("ms", raw, 63)
	if err != nil || n < shortestLease.Milliseconds() || n > longestLease.Milliseconds() {
		return 0, exchange.Invalid("ack_timeout_ms: %.30s is not a number from %d to %d", raw, shortestLease.Milliseconds(), longestLease.Milliseconds())
	}
	return time.Duration(n) * time.Millisecond, nil
}
