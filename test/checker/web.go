package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"
)

// web is a connection to sluice's HTTP door that does nothing on its own: no retries, no pool.
type web struct {
	conn net.Conn
	in   *bufio.Reader
	over bool // the last answer says that the connection ends
}

func knockWeb(addr string) (*web, error) {
	conn, err := net.DialTimeout("tcp", addr, 5*time.Second)
	if err != nil {
		return nil, err
	}
	return &web{conn: conn, in: bufio.NewReader(conn)}, nil
}

func (w *web) close() { _ = w.conn.Close() }

// binaryType is REST v2's type of bodies whose keys and values are base64.
const binaryType = "application/vnd.kafka.binary.v2+json"

// problem is how sluice says no.
type problem struct {
	Status  int    `json:"-"`
	Code    int    `json:"error_code"`
	Message string `json:"message"`
}

func (p *problem) Error() string { return fmt.Sprintf("%d: %d %s", p.Status, p.Code, p.Message) }

// ask sends a request and reads its answer into what it is given. A *problem is an answer, too; any other
// error is a connection that is of no more use.
func (w *web) ask(method, path string, body, answer any) error {
	var text []byte
	if body != nil {
		var err error
		if text, err = json.Marshal(body); err != nil {
			return err
		}
	}
	if err := w.conn.SetDeadline(time.Now().Add(patience)); err != nil {
		return err
	}
	head := fmt.Sprintf("%s %s HTTP/1.1\r\nHost: localhost\r\n", method, path)
	if body != nil {
		head += fmt.Sprintf("Content-Type: %s\r\nContent-Length: %d\r\n", binaryType, len(text))
	}
	if _, err := w.conn.Write(append([]byte(head+"\r\n"), text...)); err != nil {
		return err
	}
	return w.read(answer)
}

func (w *web) read(answer any) error {
	response, err := http.ReadResponse(w.in, nil)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		return err
	}
	w.over = response.Close
	switch {
	case response.StatusCode/100 != 2:
		p := &problem{Status: response.StatusCode}
		if err := json.Unmarshal(text, p); err != nil {
			return fmt.Errorf("answer %d: %q", response.StatusCode, text)
		}
		return p
	case len(bytes.TrimSpace(text)) == 0:
		return nil
	}
	return json.Unmarshal(text, answer)
}
