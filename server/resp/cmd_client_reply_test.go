package resp

import "testing"

// What was not to be heard is not heard later either, whatever ends the silence.
func TestSilence(t *testing.T) {
	d := open(t, Options{}, brokers...)
	cases := map[string]struct {
		send []string
		want string
	}{
		"OFF until ON":             {[]string{"PING 1", "CLIENT REPLY OFF", "PING 2", "NOSUCH", "CLIENT REPLY ON", "PING 3"}, "$1\r\n1\r\n+OK\r\n$1\r\n3\r\n"},
		"OFF until RESET":          {[]string{"CLIENT REPLY OFF", "PING 1", "RESET", "PING 2"}, "+RESET\r\n$1\r\n2\r\n"},
		"OFF, then SKIP":           {[]string{"CLIENT REPLY OFF", "CLIENT REPLY SKIP", "PING 1", "PING 2", "CLIENT REPLY ON"}, "+OK\r\n"},
		"SKIP one":                 {[]string{"CLIENT REPLY SKIP", "PING 1", "PING 2"}, "$1\r\n2\r\n"},
		"SKIP an error":            {[]string{"CLIENT REPLY SKIP", "NOSUCH", "PING 2"}, "$1\r\n2\r\n"},
		"SKIP SKIP":                {[]string{"CLIENT REPLY SKIP", "CLIENT REPLY SKIP", "PING 1", "PING 2"}, "$1\r\n2\r\n"},
		"SKIP RESET":               {[]string{"CLIENT REPLY SKIP", "RESET", "PING 2"}, "$1\r\n2\r\n"},
		"SKIP ON":                  {[]string{"CLIENT REPLY SKIP", "CLIENT REPLY ON", "PING 2"}, "+OK\r\n$1\r\n2\r\n"},
		"SKIP a delivered produce": {[]string{"RPUSH topics:silence a", "CLIENT REPLY SKIP", "RPUSH topics:silence b", "RPUSH topics:silence c d"}, ":1\r\n:2\r\n"},
		"OFF, delivered":           {[]string{"RPUSH topics:silence a", "CLIENT REPLY OFF", "RPUSH topics:silence b", "CLIENT REPLY ON", "PING"}, ":1\r\n+OK\r\n+PONG\r\n"},
		"SKIP a transaction":       {[]string{"MULTI", "PING", "CLIENT REPLY SKIP", "EXEC", "PING 1"}, "+OK\r\n+QUEUED\r\n+QUEUED\r\n*2\r\n+PONG\r\n"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			p := d.dial(t)
			p.send(append(c.send, "QUIT")...)
			if got, want := p.rest(), c.want+"+OK\r\n"; got != want {
				t.Errorf("got %q, want %q", got, want)
			}
		})
	}
}
