// Package step is what the programs of Go clients have in common: what they are told, and how they say what they saw.
package step

import (
	"bufio"
	"fmt"
	"os"
	"strings"
	"sync"
	"time"
)

// What the program is told.
var (
	Addr     = os.Getenv("HOST") + ":" + os.Getenv("PORT")
	Password = os.Getenv("PASSWORD")
	RESP3    = os.Getenv("PROTOCOL") == "3"
	Name     = os.Getenv("NAME")
	Group    = os.Getenv("GROUP")
	Topic    = os.Getenv("TOPIC")
	Key      = os.Getenv("KEY")
	Typed    = os.Getenv("TYPED") == "1"
)

// Steps are those of one client, by name.
type Steps map[string]func() error

// Main runs the step that the argument names.
func Main(steps Steps) {
	if err := steps[os.Args[1]](); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

var mu sync.Mutex

// Say prints one line of fields.
func Say(fields ...string) {
	mu.Lock()
	defer mu.Unlock()
	fmt.Println(strings.Join(fields, "\t"))
}

// None says that the client has no call for what.
func None(what, why string) error {
	Say("none", what, why)
	return nil
}

// Parts does the parts of the step produce. do sends a command and checks that it answered 1; batch sends a hundred RPUSHX.
func Parts(do func(command, key, value string) error, pipelined, multi func(values []string) error) error {
	var binary strings.Builder
	for i := range 256 {
		binary.WriteByte(byte(i))
	}
	for _, p := range [][3]string{
		{"RPUSHX", Key, "alone"},
		{"RPUSH", Key, "waited"},
		{"LPUSH", Key, "left"},
		{"RPUSH", Key, strings.Repeat("k", 900_000)},
		{"RPUSH", Key, binary.String()},
		{"RPUSH", Key, ""},
		{"RPUSH", Key + ":ключ", "utf8"},
	} {
		if err := do(p[0], p[1], p[2]); err != nil {
			return fmt.Errorf("%s of %.20q: %w", p[0], p[2], err)
		}
	}
	if err := pipelined(numbered("p-%d")); err != nil {
		return fmt.Errorf("pipelined: %w", err)
	}
	if err := multi(numbered("m-%d")); err != nil {
		return fmt.Errorf("MULTI: %w", err)
	}
	return nil
}

// partitions is how many partitions the id of an entry tells apart.
const partitions = 100_000

// Entry prints what the id of an entry says: the time of the record, its partition and its offset.
func Entry(id string) error {
	var millis, sequence int64
	if _, err := fmt.Sscanf(id, "%d-%d", &millis, &sequence); err != nil {
		return fmt.Errorf("XADD: the id %q: %w", id, err)
	}
	Say("id", fmt.Sprint(millis), fmt.Sprint(sequence%partitions), fmt.Sprint(sequence/partitions))
	return nil
}

func numbered(format string) (values []string) {
	for i := range 100 {
		values = append(values, fmt.Sprintf(format, i))
	}
	return values
}

// Consume prints what pop gives until it gives nothing, and acknowledges replies of eight elements.
func Consume(pop func() ([]string, error), ack func(offset string) error) error {
	for {
		reply, err := pop()
		if err != nil || reply == nil {
			return err
		}
		if err := Got(reply, ack); err != nil {
			return err
		}
	}
}

// Got prints a reply, and acknowledges it if it has eight elements: topic, its name, partition, its number, and so on.
func Got(reply []string, ack func(offset string) error) error {
	Say(append([]string{"got"}, reply...)...)
	if len(reply) != 8 {
		return nil
	}
	return ack(reply[1] + ":" + reply[3] + ":" + reply[5])
}

// Accepted is the acknowledgement where sluice accepts a record when the next is asked for.
func Accepted(string) error { return nil }

// threads share a client, and each produces each records.
const threads, each = 8, 25

// Pool has eight goroutines produce, and then consume, each as who the key says.
func Pool(push func(value string) error, consume func(key string) error) error {
	if err := together(func(i int) error {
		for j := range each {
			if err := push(fmt.Sprintf("w%d-%d", i, j)); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		return err
	}
	return together(func(i int) error {
		return consume(fmt.Sprintf(`%s:{"sluice.group":%q,"sluice.name":"w%d","sluice.ack":"auto"}`, Key, Group, i))
	})
}

func together(do func(i int) error) error {
	errs := make(chan error, threads)
	for i := range threads {
		go func() { errs <- do(i) }()
	}
	var first error
	for range threads {
		if err := <-errs; err != nil && first == nil {
			first = err
		}
	}
	return first
}

// Patience says what one pop gave.
func Patience(pop func() ([]string, error)) error {
	switch reply, err := pop(); {
	case err != nil:
		Say("error", err.Error())
	case reply == nil:
		Say("nil")
	default:
		Say(append([]string{"got"}, reply...)...)
	}
	return nil
}

// Restart produces before and behind a restart of sluice, and consumes both.
func Restart(push func(value string) error, pop func() ([]string, error), ack func(offset string) error) error {
	if err := push("before"); err != nil {
		return err
	}
	Say("ready")
	if _, err := bufio.NewReader(os.Stdin).ReadString('\n'); err != nil {
		return err
	}
	tries := 0
	for push("after") != nil && tries < most {
		tries++
		time.Sleep(pause)
	}
	Say("tries", fmt.Sprint(tries))
	return untilBoth(pop, ack)
}

// most is how often something is tried again, after a pause.
const (
	most  = 50
	pause = 200 * time.Millisecond
)

func untilBoth(pop func() ([]string, error), ack func(offset string) error) error {
	for got, failed := 0, 0; got < 2 && failed < most; {
		reply, err := pop()
		if err == nil && reply != nil {
			err = Got(reply, ack)
			got++
		}
		if err != nil {
			if failed == 0 {
				Say("error", err.Error())
			}
			failed++
			time.Sleep(pause)
		}
	}
	return nil
}
