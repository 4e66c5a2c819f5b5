package cli

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/sluice-proxy/sluice/server/management"
)

type dlqCommand struct {
	List dlqList `cmd:"" name:"ls" default:"withargs" help:"One line per dead-letter topic, through the control socket of a running sluice."`
	Show dlqShow `cmd:"" help:"Show a dead letter: where it came from, why it was given up, and what is in it."`
}

type dlqList struct {
	Topics []string `arg:"" optional:"" name:"topic" help:"The topics; all that begin with dlq. if they are left out."`
	controlFlags
	JSON bool `name:"json" help:"Print JSON instead of a table."`
}

type dlqShow struct {
	Topic  string `arg:"" help:"The dead-letter topic."`
	Record string `arg:"" help:"The dead letter, as PARTITION:OFFSET."`
	controlFlags
	JSON bool `name:"json" help:"Print JSON, with the bytes in Base64."`
}

// Run shows the dead-letter topics.
func (c *dlqList) Run(env Env) error {
	var got management.DeadLetters
	if err := c.ask(http.MethodGet, "/dlq?"+url.Values{"topic": c.Topics}.Encode(), &got); err != nil {
		return err
	}
	t := deadLettersTable(&got, time.Now())
	return t.print(env.Out, c.JSON)
}

func deadLettersTable(d *management.DeadLetters, now time.Time) table {
	t := table{header: []any{"TOPIC", "RECORDS", "OLDEST", fmt.Sprintf("TOP CLASS OF THE NEWEST %d", d.Sample)}, value: d}
	for _, topic := range d.Topics {
		oldest, class := "-", "-"
		if topic.Oldest != nil {
			oldest = age(now.Sub(*topic.Oldest).Seconds())
		}
		if topic.OfClass > 0 {
			class = fmt.Sprintf("%s: %d of %d", topic.Class, topic.OfClass, topic.Sampled)
		}
		t.rows = append(t.rows, []any{topic.Topic, topic.Records, oldest, class})
	}
	return t
}

// Run shows a dead letter.
func (c *dlqShow) Run(env Env) error {
	if !placed.MatchString(c.Record) {
		return fmt.Errorf("%q is no record of a topic: it must look like <partition>:<offset>", c.Record)
	}
	var got management.DeadLetter
	if err := c.ask(http.MethodGet, "/dlq/letter?"+url.Values{"record": {c.Topic + ":" + c.Record}}.Encode(), &got); err != nil {
		return err
	}
	if c.JSON {
		return (&table{value: got}).print(env.Out, true)
	}
	printDeadLetter(env.Out, &got)
	return nil
}

// placed matches where a record is in its topic.
var placed = regexp.MustCompile(`^\d+:\d+$`)

// reasons are why a record is given up, in words.
var reasons = map[string]string{
	"rejected":          "a client said that it will never succeed",
	"retries_exhausted": "it failed as often as the policy allows",
	"lease_expired":     "no client settled it in time, as often as the policy allows",
	"crash_loop":        "too many clients died while they held it",
	"expired":           "it was older than the policy allows",
}

func printDeadLetter(to io.Writer, d *management.DeadLetter) {
	if d.Source == "" {
		fmt.Fprintln(to, "this record is no dead letter: it has none of their headers")
		printRecord(to, &d.Peeked)
		return
	}
	field := func(name, text string) {
		if text != "" {
			fmt.Fprintf(to, "%-10s %s\n", name, text)
		}
	}
	field("record", d.Record)
	field("source", visible(d.Source)+stamped(", written ", d.SourceTimestamp))
	field("group", visible(d.Group))
	field("reason", visible(explained(d.Reason)))
	field("class", visible(d.Class))
	field("attempts", attempts(d))
	field("client", visible(d.Client))
	field("trace", visible(d.Trace))
	if d.Replays > 0 {
		field("replays", fmt.Sprint(d.Replays))
	}
	if d.Pointer {
		field("pointer", fmt.Sprintf("the source has %d bytes, which did not fit: look at %s", d.SourceSize, visible(d.Source)))
	}
	printLines(to, "message", d.Message)
	field("key", bytesShown(d.Key))
	for _, h := range d.Headers {
		field("header", visible(h.Name)+": "+bytesShown(h.Value))
	}
	field("value", bytesShown(d.Value))
	printLines(to, "backtrace", d.Backtrace)
}

// explained is a reason with what it means.
func explained(reason string) string {
	if meaning := reasons[reason]; meaning != "" {
		return reason + ": " + meaning
	}
	return reason
}

func attempts(d *management.DeadLetter) string {
	if d.Attempts < 0 {
		return ""
	}
	return fmt.Sprint(d.Attempts) + stamped(", failed first ", d.FirstFailedAt) + stamped(", last ", d.FailedAt)
}

// stamped is a time behind a word, empty for one that is not known.
func stamped(word string, at *time.Time) string {
	if at == nil {
		return ""
	}
	return word + at.UTC().Format(time.RFC3339Nano)
}

// printLines shows a text, which may have several lines.
func printLines(to io.Writer, name, text string) {
	text = strings.TrimRight(text, "\n")
	if text == "" {
		return
	}
	lines := strings.Split(text, "\n")
	if len(lines) == 1 {
		fmt.Fprintf(to, "%-10s %s\n", name, visible(text))
		return
	}
	fmt.Fprintln(to, name)
	for _, line := range lines {
		fmt.Fprintf(to, "  %s\n", visible(line))
	}
}
