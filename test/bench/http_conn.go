package main

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
)

// httpRequest is a request as it goes over the wire.
func httpRequest(method, path, contentType, body string) []byte {
	return fmt.Appendf(nil, "%s %s HTTP/1.1\r\nHost: localhost\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n%s",
		method, path, contentType, len(body), body)
}

// recordsBody are n records for REST v2, as text in JSON.
func recordsBody(n int) string {
	one := `{"value":"` + value + `"}`
	return `{"records":[` + strings.Repeat(one+",", n-1) + one + `]}`
}

// ask sends a request that was made before, and returns the body of its answer, valid until the next.
func (c *conn) ask(request []byte) ([]byte, error) {
	if _, err := c.net.Write(request); err != nil {
		return nil, err
	}
	head, err := c.head()
	if err != nil {
		return nil, err
	}
	// Before the body is read, which may move what was read before.
	status, length := number(head[len("HTTP/1.1 "):][:3]), number(fieldOf(head, "\r\nContent-Length: "))
	body, err := c.take(int(length))
	if err == nil && status/100 != 2 {
		return nil, fmt.Errorf("answer %d: %s", status, body)
	}
	return body, err
}

// head is a status line and the fields that follow it.
func (c *conn) head() ([]byte, error) {
	for {
		if i := bytes.Index(c.in[c.at:c.to], []byte("\r\n\r\n")); i >= 0 {
			head := c.in[c.at : c.at+i+2]
			c.at += i + 4
			if len(head) < len("HTTP/1.1 200") {
				return nil, errors.New("no answer of HTTP")
			}
			return head, nil
		}
		if err := c.more(); err != nil {
			return nil, err
		}
	}
}

// fieldOf is what follows a name on its line, nothing when it is not there.
func fieldOf(head []byte, name string) []byte {
	_, rest, _ := bytes.Cut(head, []byte(name))
	line, _, _ := bytes.Cut(rest, []byte("\r\n"))
	return line
}

// take reads n bytes.
func (c *conn) take(n int) ([]byte, error) {
	for c.to-c.at < n {
		if err := c.more(); err != nil {
			return nil, err
		}
	}
	body := c.in[c.at : c.at+n]
	c.at += n
	return body, nil
}
