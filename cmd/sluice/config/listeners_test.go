package config

import (
	"strings"
	"testing"
)

func TestOnlyLoopbackMayBeOpenedWithoutSayingSo(t *testing.T) {
	for _, address := range []string{"127.0.0.1:6380", "127.8.8.8:0", "[::1]:6380", "localhost:1", "[::ffff:127.0.0.1]:1"} {
		if err := ValidateListener(address, false); err != nil {
			t.Errorf("%s: %v", address, err)
		}
	}
	for _, address := range []string{"0.0.0.0:6380", "[::]:6380", ":6380", "10.0.0.1:6380", "[fe80::1%eth0]:1", "example.com:1", "localhost.:1", "0:1"} {
		err := ValidateListener(address, false)
		if err == nil || !strings.Contains(err.Error(), `"insecure: true"`) || !strings.HasPrefix(err.Error(), address+" can be reached") {
			t.Errorf("%s: %v", address, err)
		}
		if err := ValidateListener(address, true); err != nil {
			t.Errorf("%s, insecure: %v", address, err)
		}
	}
}

func TestAPasswordAloneOpensNothing(t *testing.T) {
	cfg := Default()
	cfg.RESP.Address, cfg.Users.Password = "0.0.0.0:6380", Secret{"hunter2"}
	if err := cfg.validateListeners(); err == nil {
		t.Error("opened with a password that would cross the network in the clear")
	}
}

func TestAddressesThatAreNone(t *testing.T) {
	for address, want := range map[string]string{
		"6380":            `"6380" is not an address such as 127.0.0.1:6380`,
		"127.0.0.1":       `"127.0.0.1" is not an address such as 127.0.0.1:6380`,
		"::1:6380":        `"::1:6380" is not an address such as 127.0.0.1:6380`,
		"127.0.0.1:":      `"127.0.0.1:": "" is not a port`,
		"127.0.0.1:redis": `"127.0.0.1:redis": "redis" is not a port`,
		"127.0.0.1:65536": `"127.0.0.1:65536": "65536" is not a port`,
		"127.0.0.1:-1":    `"127.0.0.1:-1": "-1" is not a port`,
	} {
		if err := ValidateListener(address, true); err == nil || err.Error() != want {
			t.Errorf("%s: got %v, want %s", address, err, want)
		}
	}
}

func TestTwoDoorsDoNotShareAnAddress(t *testing.T) {
	cfg := Default()
	cfg.HTTP.Address = cfg.RESP.Address
	err := cfg.validateListeners()
	if err == nil || err.Error() != "http.address: 127.0.0.1:6380 is already resp.address" {
		t.Errorf("error: %v", err)
	}
	cfg.RESP.Address, cfg.HTTP.Address, cfg.Management.Address = "127.0.0.1:0", "127.0.0.1:0", ""
	if err := cfg.validateListeners(); err != nil {
		t.Errorf("two free ports and a closed door: %v", err)
	}
}
