package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"time"
)

// patience is how long a client waits for an answer: longer than any sluice should take (a delivered
// produce may take 30 s).
const patience = 40 * time.Second

// refusal is an error reply.
type refusal string

// door is a connection to sluice that does nothing on its own: no retries, no pool.
type door struct {
	conn net.Conn
	in   *bufio.Reader
	out  []byte
}

func knock(addr string) (*door, error) {
	conn, err := net.DialTimeout("tcp", addr, 5*time.Second)
	if err != nil {
		return nil, err
	}
	return &door{conn: conn, in: bufio.NewReader(conn)}, nil
}

func (d *door) close() { _ = d.conn.Close() }

// add puts a command behind those to be sent.
func (d *door) add(args ...string) {
	d.out = append(strconv.AppendInt(append(d.out, '*'), int64(len(args)), 10), "\r\n"...)
	for _, arg := range args {
		d.out = append(strconv.AppendInt(append(d.out, '$'), int64(len(arg)), 10), "\r\n"...)
		d.out = append(append(d.out, arg...), "\r\n"...)
	}
}

// send sends the commands that were added.
func (d *door) send() error {
	if err := d.conn.SetDeadline(time.Now().Add(patience)); err != nil {
		return err
	}
	_, err := d.conn.Write(d.out)
	d.out = d.out[:0]
	return err
}

// ask sends one command and reads its answer.
func (d *door) ask(args ...string) (any, error) {
	d.add(args...)
	if err := d.send(); err != nil {
		return nil, err
	}
	return d.reply()
}

// reply reads one RESP2 reply: int64, string, []any, refusal, or nil for a null.
func (d *door) reply() (any, error) {
	line, err := d.line()
	if err != nil {
		return nil, err
	}
	rest := line[1:]
	switch line[0] {
	case '+':
		return rest, nil
	case '-':
		return refusal(rest), nil
	case ':':
		return strconv.ParseInt(rest, 10, 64)
	case '$':
		return d.bulk(rest)
	case '*':
		return d.array(rest)
	}
	return nil, fmt.Errorf("unknown reply %q", line)
}

func (d *door) line() (string, error) {
	line, err := d.in.ReadString('\n')
	if err != nil {
		return "", err
	}
	if len(line) < 3 || line[len(line)-2] != '\r' {
		return "", fmt.Errorf("bad line in a reply: %q", line)
	}
	return line[:len(line)-2], nil
}

func (d *door) bulk(size string) (any, error) {
	n, err := strconv.Atoi(size)
	if err != nil || n < 0 {
		return nil, err
	}
	b := make([]byte, n+2)
	if _, err := io.ReadFull(d.in, b); err != nil {
		return nil, err
	}
	return string(b[:n]), nil
}

func (d *door) array(size string) (any, error) {
	n, err := strconv.Atoi(size)
	if err != nil || n < 0 {
		return nil, err
	}
	list := make([]any, n)
	for i := range list {
		if list[i], err = d.reply(); err != nil {
			return nil, err
		}
	}
	return list, nil
}

// delivery is a record as BLPOP answers it.
type delivery struct {
	place
	value string
}

// deliveries reads the answer to BLPOP: null, a record, or with sluice.batch an array of them.
func deliveries(answer any) ([]delivery, error) {
	list, ok := answer.([]any)
	if answer == nil || ok && len(list) == 0 {
		return nil, nil
	}
	if !ok {
		return nil, fmt.Errorf("BLPOP answered %v", answer)
	}
	if _, batch := list[0].([]any); !batch {
		list = []any{list}
	}
	var all []delivery
	for _, entry := range list {
		d, err := record(entry)
		if err != nil {
			return nil, err
		}
		all = append(all, d)
	}
	return all, nil
}

var errNoRecord = errors.New("BLPOP answered something that is no record")

// record reads the eight elements of a record.
func record(entry any) (delivery, error) {
	fields, _ := entry.([]any)
	if len(fields) != 8 {
		return delivery{}, fmt.Errorf("%w: %v", errNoRecord, entry)
	}
	topic, ok1 := fields[1].(string)
	partition, ok2 := fields[3].(int64)
	offset, ok3 := fields[5].(int64)
	value, ok4 := fields[7].(string)
	if !ok1 || !ok2 || !ok3 || !ok4 {
		return delivery{}, fmt.Errorf("%w: %v", errNoRecord, entry)
	}
	return delivery{place{topic, int32(partition), offset}, value}, nil
}
