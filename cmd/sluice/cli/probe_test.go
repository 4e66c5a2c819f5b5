package cli

import (
	"encoding/json"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sluice-proxy/sluice/server/management"
)

// page returns the body of a URL.
func page(t *testing.T, url string) string {
	t.Helper()
	answer, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// Under a watchdog sluice sends requests to its own doors. They count in the metrics.
func TestSluiceAsksItsOwnDoors(t *testing.T) {
	manager, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: filepath.Join(t.TempDir(), "notify"), Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer manager.Close()
	p := newProgram(t, "serve", "--embedded", "--resp", "127.0.0.1:0", "--http", "127.0.0.1:0", "--management", "127.0.0.1:0", "--control", "")
	p.cmd.Stderr = p
	p.cmd.Env = append(p.cmd.Env, "NOTIFY_SOCKET="+manager.LocalAddr().String(), "WATCHDOG_USEC=30000000")
	p.start()
	door := p.says(httpOpen)
	at := "http://" + p.says(`door=management address=(\S+)`)
	client, err := net.Dial("tcp", door)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	const answered = `sluice_http_requests_total{method="GET",route="/",status="2xx"}`
	for end := time.Now().Add(patience); ; {
		text := page(t, at+"/metrics")
		var status management.Status
		if err := json.Unmarshal([]byte(page(t, at+"/status")), &status); err != nil {
			t.Fatal(err)
		}
		if strings.Contains(text, answered) && strings.Contains(text, `loop="probe"`) &&
			status.HTTP.Clients >= 1 {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("%+v\n%s", status, text)
		}
	}
}
