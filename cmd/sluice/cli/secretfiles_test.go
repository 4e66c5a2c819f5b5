package cli

import (
	"os"
	"strings"
	"testing"
)

// The permissions of every file with secrets are checked, and of no other file.
func TestFilesWithSecretsAreKept(t *testing.T) {
	with := func(name, text string, mode os.FileMode) string {
		path := write(t, name, text)
		if err := os.Chmod(path, mode); err != nil { // whatever the umask
			t.Fatal(err)
		}
		return path
	}
	const quiet, warned, refused = "", "everybody may read a file with secrets", "everybody may write it (mode 0666): chmod o-rwx,g-w "
	const group = "the group may write a file with secrets"
	yaml := func(text string, mode os.FileMode) []string { return []string{"-c", with("s.yaml", text, mode)} }
	for name, c := range map[string]struct {
		args []string
		want string
	}{
		"a password, 0644":     {yaml("users: {password: x}\n", 0o644), warned},
		"a password, 0640":     {yaml("users: {password: x}\n", 0o640), quiet},
		"a password, 0400":     {yaml("users: {password: x}\n", 0o400), quiet},
		"a password, 0660":     {yaml("users: {password: x}\n", 0o660), group},
		"a password, 0666":     {yaml("users: {password: x}\n", 0o666), refused},
		"a password, 0602":     {yaml("users: {password: x}\n", 0o602), "everybody may write it (mode 0602)"},
		"no secret, 0666":      {yaml("kafka: {properties: {client.id: x}}\n", 0o666), quiet},
		"for brokers, 0644":    {yaml("kafka: {properties: {sasl.password: x}}\n", 0o644), warned},
		"of a profile, 0644":   {yaml("kafka: {profiles: {delivered: {ssl.key.password: x}}}\n", 0o644), warned},
		"a public certificate": {yaml("kafka: {properties: {ssl.ca.location: "+with("ca.pem", "x", 0o644)+"}}\n", 0o644), quiet},
		"a private key, 0644":  {yaml("kafka: {properties: {ssl.key.location: "+with("key.pem", "x", 0o644)+"}}\n", 0o644), "key.pem"},
		"a keystore, 0666":     {yaml("kafka: {consumer: {ssl.keystore.location: "+with("store.p12", "x", 0o666)+"}}\n", 0o600), refused},
		"a password's file":    {yaml("users: {password_file: "+with("password", "x", 0o604)+"}\n", 0o644), warned},
		"librdkafka.json": {
			[]string{"--librdkafka", with("librdkafka.json", `{"general": {"sasl.password": "x"}}`, 0o644)}, "librdkafka.json",
		},
		"librdkafka.json, 0600": {[]string{"--librdkafka", with("kept.json", `{"general": {"sasl.password": "x"}}`, 0o600)}, quiet},
		"librdkafka.json, none": {[]string{"--librdkafka", with("open.json", `{"general": {"client.id": "x"}}`, 0o666)}, quiet},
	} {
		status, _, stderr := command(append([]string{"check"}, c.args...)...)
		if bad := strings.HasPrefix(c.want, "everybody may write"); (status == exitConfig) != bad || !bad && status != 0 {
			t.Errorf("%s: exit status %d: %s", name, status, stderr)
		}
		if !strings.Contains(stderr, c.want) || c.want == quiet && strings.Contains(stderr, "a file with secrets") {
			t.Errorf("%s: got %q, want %q", name, stderr, c.want)
		}
	}
}
