package server

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sluice-proxy/sluice/kafka"
)

// sleepUntil waits as a session does that nobody wakes.
func sleepUntil(at time.Time) error {
	<-time.After(time.Until(at))
	return nil
}

func TestARecordWaitsForRoomUntilThereIsSome(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began, attempts := time.Now(), 0
		full, err := SendWithin(began.Add(time.Second),
			func() bool { return time.Since(began) >= 20*time.Millisecond },
			func() error {
				if attempts++; attempts < 3 {
					return kafka.ErrFull
				}
				return nil
			}, sleepUntil)
		if full || err != nil || attempts != 3 || time.Since(began) != 30*time.Millisecond {
			t.Errorf("full: %v, %v, after %d attempts and %v", full, err, attempts, time.Since(began))
		}
	})
}

func TestARecordThatFindsNoRoomInTimeKnowsWhy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		full, err := SendWithin(began.Add(12*time.Millisecond), func() bool { return true }, func() error { return kafka.ErrFull }, sleepUntil)
		if !full || !errors.Is(err, kafka.ErrFull) || time.Since(began) != 12*time.Millisecond {
			t.Errorf("full: %v, %v after %v", full, err, time.Since(began))
		}
		if full, err := SendWithin(time.Now(), func() bool { return false }, nil, sleepUntil); !full || err != nil {
			t.Errorf("without room of its own: %v, %v", full, err)
		}
	})
}

func TestAnythingButAFullQueueEndsTheWait(t *testing.T) {
	refused, gone := errors.New("refused"), errors.New("gone")
	room := func() bool { return true }
	if full, err := SendWithin(time.Now().Add(time.Hour), room, func() error { return refused }, sleepUntil); full || err != refused { //nolint:errorlint // not wrapped
		t.Errorf("full: %v, %v", full, err)
	}
	waited := func(time.Time) error { return gone }
	if full, err := SendWithin(time.Now().Add(time.Hour), room, func() error { return kafka.ErrFull }, waited); full || err != gone { //nolint:errorlint // not wrapped
		t.Errorf("full: %v, %v", full, err)
	}
}

func TestTheNextLookDoesNotMoveWhenSomebodyIsWokenBefore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		retry := Retry{Until: time.Now().Add(8 * time.Millisecond)}
		first := retry.Next()
		<-time.After(time.Millisecond)
		if again := retry.Next(); !again.Equal(first) {
			t.Errorf("moved by %v", again.Sub(first))
		}
		<-time.After(4 * time.Millisecond)
		if last := retry.Next(); !last.Equal(retry.Until) || retry.Over() {
			t.Errorf("%v before the end, over: %v", retry.Until.Sub(last), retry.Over())
		}
		<-time.After(3 * time.Millisecond)
		if !retry.Over() {
			t.Error("not over at its end")
		}
	})
}

func TestABellThatRangTwiceWakesOnce(t *testing.T) {
	bell := NewBell()
	bell.Ring()
	bell.Ring()
	<-bell
	select {
	case <-bell:
		t.Error("twice")
	default:
	}
}
