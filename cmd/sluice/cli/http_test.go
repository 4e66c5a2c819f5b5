package cli

import (
	"io"
	"net/http"
	"strings"
	"syscall"
	"testing"
)

const httpOpen = `door=http address=(\S+)`

// asked sends a request with a password, and returns status and body of the answer.
func asked(t *testing.T, method, url, password, body string) (int, string) {
	t.Helper()
	r, err := http.NewRequest(method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Authorization", "Bearer "+password)
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, string(text)
}

func TestTheHTTPDoorOpensReloadsAndDrains(t *testing.T) {
	file := write(t, "sluice.yaml", "users: {password: one}\nhttp: {max_records: 1, trusted_proxies: [127.0.0.1, \"::/0\"], access_log: 1}\n")
	p := startProgram(t, "serve", "--embedded", "--resp", "", "--http", "127.0.0.1:0", "-c", file, "--control", "")
	url := "http://" + p.says(httpOpen) + "/topics/t"
	const two = `{"records":[{"value":1},{"value":2}]}`
	if status, text := asked(t, "POST", url, "one", two); status != 413 {
		t.Errorf("two records: %d %s", status, text)
	}
	if status, text := asked(t, "POST", url, "wrong", two); status != 401 {
		t.Errorf("wrong password: %d %s", status, text)
	}
	rewrite(t, file, "users: {password: two}\nhttp: {max_records: 2}\n")
	p.signal(syscall.SIGHUP)
	p.says(`msg=reloaded changed="?\[http.max_records .*users.password`)
	if status, text := asked(t, "POST", url, "two", two); status != 200 || !strings.Contains(text, `"offset":1`) {
		t.Errorf("two records after the reload: %d %s", status, text)
	}
	p.says(`msg="request answered" method=POST route=/topics/{topic} status=413 bytes=\d+ took=\S+ request_id=[0-9a-f]{16}\n`)
	p.signal(syscall.SIGTERM)
	p.endsWith(exitOK)
}
