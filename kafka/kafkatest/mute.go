package kafkatest

import (
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// Mute makes the brokers take produce requests and never answer; the bell tells of the first.
func Mute(k *kfake.Cluster) Bell {
	heard := NewBell()
	k.ControlKey(int16(kmsg.Produce), func(kmsg.Request) (kmsg.Response, error, bool) {
		k.KeepControl()
		heard.Ring()
		return nil, nil, true
	})
	return heard
}

// Silence makes the brokers take all requests and answer none.
func Silence(k *kfake.Cluster) {
	k.Control(func(kmsg.Request) (kmsg.Response, error, bool) {
		k.KeepControl()
		return nil, nil, true
	})
}
