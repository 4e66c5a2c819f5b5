package lender

import (
	"testing"
	"time"
)

// FuzzLeases compares a book with a map of the open leases.
func FuzzLeases(f *testing.F) {
	f.Add([]byte{0, 1, 2, 3, 4, 0, 0, 1, 9, 200})
	f.Fuzz(func(t *testing.T, steps []byte) {
		b, open, now := book{}, map[ID]time.Time{}, time.Unix(1, 0)
		q := NewQuota(1000)
		var all []ID
		for _, step := range steps {
			switch step % 4 {
			case 0:
				until := now.Add(time.Duration(step) * time.Second)
				slot, secret := b.add(lease{offset: int64(len(all)), until: until, quota: q})
				id := ID{0, slot, secret}
				all, open[id] = append(all, id), until
			case 1:
				if len(all) > 0 {
					id := all[int(step)%len(all)]
					if l := b.find(id); l != nil {
						b.remove(id.slot)
						delete(open, id)
					}
				}
			case 2:
				now = now.Add(time.Duration(step) * time.Second / 4)
				b.expire(now, func(l *lease) {
					if open[all[l.offset]].After(now) {
						t.Fatal("too early")
					}
					delete(open, all[l.offset])
				})
				for _, until := range open {
					if !until.After(now) {
						t.Fatal("not ended")
					}
				}
			case 3:
				if len(all) > 0 {
					id := all[int(step)%len(all)]
					if l := b.find(id); l != nil {
						open[id] = now.Add(time.Duration(step) * time.Second)
						b.postpone(l, open[id])
					}
				}
			}
			for _, id := range all {
				if _, is := open[id]; is != (b.find(id) != nil) {
					t.Fatalf("%v", id)
				}
			}
			if b.open() != len(open) || q.leases != len(open) {
				t.Fatalf("%d and %d of %d", b.open(), q.leases, len(open))
			}
		}
	})
}

func TestALeaseCostsNoGarbage(t *testing.T) {
	b, until := book{}, time.Now().Add(time.Minute)
	lend := func() {
		slot, _ := b.add(lease{offset: 1, until: until})
		b.remove(slot)
	}
	if n := testing.AllocsPerRun(100, lend); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
