package resttest

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/sluice-proxy/sluice/kafka"
)

// Put produces JSON values to one partition of a topic.
func (s *Sluice) Put(topic string, partition int, values ...string) {
	s.T.Helper()
	var records []string
	for _, v := range values {
		records = append(records, fmt.Sprintf(`{"value":%s,"partition":%d}`, v, partition))
	}
	answer, text := s.Ask("POST", "/topics/"+topic, `{"records":[`+strings.Join(records, ",")+`]}`, "Content-Type", AsJSON)
	if answer.StatusCode != 200 || strings.Contains(text, `"error_code":5`) {
		s.T.Fatalf("%d %s", answer.StatusCode, text)
	}
}

// Numbers returns the JSON values from 0 to n-1.
func Numbers(n int) (values []string) {
	for i := range n {
		values = append(values, fmt.Sprint(i))
	}
	return values
}

// Take takes a list of records.
func (s *Sluice) Take(group, query string) []Message {
	s.T.Helper()
	answer, text := s.Ask("GET", "/v1/groups/"+group+"/messages?"+query, "")
	if answer.StatusCode != 200 {
		s.T.Fatalf("%s: %d %s", query, answer.StatusCode, text)
	}
	return s.Messages(text)
}

func (s *Sluice) Messages(text string) (list []Message) {
	s.T.Helper()
	if err := json.Unmarshal([]byte(text), &list); err != nil {
		s.T.Fatalf("%v in %s", err, text)
	}
	return list
}

// Settle sends settlements, and returns the answer.
func (s *Sluice) Settle(group, body string) string {
	s.T.Helper()
	answer, text := s.Ask("POST", "/v1/groups/"+group+"/acks", body)
	if answer.StatusCode != 200 {
		s.T.Fatalf("%s: %d %s", body, answer.StatusCode, text)
	}
	return text
}

// LeasesOf returns the leases of messages as a JSON list.
func LeasesOf(list []Message) string {
	var quoted []string
	for _, m := range list {
		quoted = append(quoted, `"`+m.Lease+`"`)
	}
	return "[" + strings.Join(quoted, ",") + "]"
}

func Tallied(accepted, released, renewed, stale int) string {
	return fmt.Sprintf(`{"accepted":%d,"released":%d,"rejected":0,"renewed":%d,"stale":%d}`, accepted, released, renewed, stale)
}

// Message is a record as lists and streams have it.
type Message struct {
	Topic     string          `json:"topic"`
	Partition int32           `json:"partition"`
	Offset    int64           `json:"offset"`
	Key       json.RawMessage `json:"key"`
	Value     json.RawMessage `json:"value"`
	Delivery  int             `json:"delivery"`
	Lease     string          `json:"lease"`
}

// All waits long enough for a group to be joined.
const All = "topics=blobs&wait=20s"

// Leased is how many records workers have.
func (s *Sluice) Leased() (n int) {
	for _, row := range s.Client.Consumed() {
		n += int(row.Leased)
	}
	return n
}

// Balanced checks that every lent record was settled, or is still lent.
func (s *Sluice) Balanced() {
	s.T.Helper()
	for _, row := range s.Client.Consumed() {
		if row.Lent != row.Accepted+row.Released+row.Rejected+row.Leased {
			s.T.Errorf("%+v", row)
		}
	}
}

// Configured returns the configuration of the client.
func (s *Sluice) Configured() kafka.Config {
	cfg := kafka.Defaults()
	cfg.Brokers = s.Cluster.ListenAddrs()
	return cfg
}

// Answered is what came back for a request.
type Answered struct {
	*Reply

	Text string
}

// Later asks in a goroutine.
func (s *Sluice) Later(ask func() (*Reply, string)) <-chan Answered {
	done := make(chan Answered, 1)
	go func() {
		r, text := ask()
		done <- Answered{r, text}
	}()
	return done
}

// Bound sets consume.max_subscriptions.
func (s *Sluice) Bound(most int) {
	s.T.Helper()
	cfg := s.Configured()
	cfg.Consume.MaxSubscriptions = most
	if _, err := s.Client.Reconfigure(cfg); err != nil {
		s.T.Fatal(err)
	}
}

// Policy sets what becomes of records whose processing fails, of all topics in all groups.
func (s *Sluice) Policy(p kafka.Policy) {
	s.T.Helper()
	cfg := s.Configured()
	cfg.Failures = kafka.Policies{{Group: "*", Topics: []kafka.TopicPolicy{{Topic: "*", Policy: p}}}}
	if _, err := s.Client.Reconfigure(cfg); err != nil {
		s.T.Fatal(err)
	}
}

func Dotted(n int) (names []string) {
	for i := range n {
		names = append(names, fmt.Sprintf("a.%d=1", i))
	}
	return names
}
