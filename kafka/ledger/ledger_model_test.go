package ledger

import (
	"slices"
	"time"

	"github.com/sluice-proxy/sluice/kafka/record"
)

// book is the obvious ledger: a list that is never cut and always read from the front.
type book struct {
	pages    []*page
	position int64
	passed   int64        // nothing below comes any more
	logEnd   int64        // what is below, and did not come, is no record
	counts   *LeaseCounts // what happened so far; leased is not kept, but recounted
}

// page is one record of a book.
type page struct {
	offset int64
	size   int
	owner  *Member
	due    time.Time
	lends  int
	failed int // attempts that count
	state  state
}

func newBook(counts *LeaseCounts) *book { return &book{position: -1, counts: counts} }

// balance is what the books must have counted, if these are all.
func balance(counts LeaseCounts, books ...*book) LeaseCounts {
	for _, b := range books {
		counts.Leased += int64(len(b.in(leased)))
	}
	return counts
}

// balanced tells whether every lease has one end, or none yet.
func (l *LeaseCounts) balanced() bool { return l.Lent == l.Accepted+l.Released+l.Rejected+l.Leased }

// last is the highest offset ever appended, -1 for none.
func (b *book) last() int64 {
	if len(b.pages) == 0 {
		return b.passed - 1
	}
	return max(b.passed-1, b.pages[len(b.pages)-1].offset)
}

func (b *book) append(r record.Record) bool {
	if r.Offset <= b.last() {
		return false
	}
	b.pages = append(b.pages, &page{offset: r.Offset, size: r.Size()})
	b.counts.Fetched++
	return true
}

// begin is where a book begins that has settled nothing.
func (b *book) begin(at int64) {
	if b.position < 0 {
		b.position = max(-1, at)
	}
}

// pass leaves out what the log does not hold any more.
func (b *book) pass(from, to int64) {
	b.counts.Skipped += to - from
	b.passed = max(b.passed, to)
	if len(b.unsettled()) == 0 {
		b.position = max(b.position, to)
	}
}

// endAt leaves out what is no record at the end of the log.
func (b *book) endAt(offset int64) {
	b.passed, b.logEnd = max(b.passed, offset), max(b.logEnd, offset)
	b.settle()
}

// again is a book of the same log that is fetched once more: what was settled is, all else is new. It returns what is
// fetched, from an offset on.
func (b *book) again(from int64) (fetched []*page) {
	for _, p := range b.pages {
		if p.state != settled {
			p.state, p.owner, p.lends = ready, nil, 0
		}
		if p.offset >= from {
			fetched = append(fetched, p)
		}
	}
	b.counts.Fetched += int64(len(fetched))
	b.pages, b.passed, b.logEnd = fetched, from, 0
	b.position = max(b.position, from)
	return fetched
}

// unsettled are the pages from the first one that is not settled on.
func (b *book) unsettled() []*page {
	i := slices.IndexFunc(b.pages, func(p *page) bool { return p.state != settled })
	if i < 0 {
		return nil
	}
	return b.pages[i:]
}

// first is the lowest ready page, nil for none.
func (b *book) first() *page {
	for _, p := range b.pages {
		if p.state == ready {
			return p
		}
	}
	return nil
}

func (b *book) find(offset int64) *page {
	for _, p := range b.pages {
		if p.offset == offset {
			return p
		}
	}
	return nil
}

// of are the unsettled pages that belong to the member.
func (b *book) of(s *Member) (pages []*page) {
	for _, p := range b.pages {
		if p.owner == s && p.state != settled {
			pages = append(pages, p)
		}
	}
	return pages
}

// owed are the unsettled pages that belong to any member.
func (b *book) owed() (pages []*page) {
	for _, p := range b.pages {
		if p.owner != nil && p.state != settled {
			pages = append(pages, p)
		}
	}
	return pages
}

// in are the pages in a state.
func (b *book) in(want state) (pages []*page) {
	for _, p := range b.pages {
		if p.state == want {
			pages = append(pages, p)
		}
	}
	return pages
}

func bytesOf(pages []*page) (n int) {
	for _, p := range pages {
		n += p.size
	}
	return n
}

func leasedOf(pages []*page) (held []*page) {
	for _, p := range pages {
		if p.state == leased {
			held = append(held, p)
		}
	}
	return held
}

func (b *book) lend(p *page, s *Member) {
	p.owner, p.state = s, leased
	p.lends++
	b.counts.Lent++
	if p.lends > 1 {
		b.counts.Redelivered++
	}
}

func (b *book) settle(pages ...*page) int {
	for _, p := range pages {
		if p.state == ready { // its lease was ended by a rewind, and counted so: this is another
			b.counts.Lent++
		}
		b.counts.Accepted++
		p.state, p.owner = settled, nil
	}
	for _, p := range b.pages {
		if p.state != settled {
			break
		}
		b.position = max(b.position, p.offset+1)
	}
	if b.position >= 0 && len(b.unsettled()) == 0 {
		b.position = max(b.position, b.logEnd)
	}
	return len(pages)
}

func (b *book) accept(s *Member, offset int64) bool {
	if p := b.find(offset); p != nil && p.owner == s && p.state != settled {
		b.settle(p)
		return true
	}
	return false
}

func (b *book) acceptThrough(s *Member, offset int64) int {
	return b.settle(slices.DeleteFunc(b.of(s), func(p *page) bool { return p.offset > offset })...)
}

func (b *book) acceptLeased(s *Member) int { return b.settle(leasedOf(b.of(s))...) }

func (b *book) retry(s *Member, offset int64, due time.Time) bool {
	p := b.find(offset)
	if p == nil || p.owner != s || p.state != leased {
		return false
	}
	b.end(p)
	p.owner, p.due = nil, due
	p.failed++
	return true
}

func (b *book) release(s *Member, offset int64) bool {
	p := b.find(offset)
	if p == nil || p.owner != s || p.state != leased {
		return false
	}
	b.end(p)
	p.owner = nil
	return true
}

// died counts the death of a member's client for the lowest record that it held.
func (b *book) died(s *Member) (offset int64, counted bool) {
	held := leasedOf(b.of(s))
	if len(held) == 0 {
		return 0, false
	}
	held[0].failed++
	return held[0].offset, true
}

// end ends a lease without a settlement, if there is one.
func (b *book) end(p *page) {
	if p.state == leased {
		b.counts.Released++
	}
	p.state = ready
}

// abandon ends all leases.
func (b *book) abandon() {
	for _, p := range b.owed() {
		b.end(p)
		p.owner = nil
	}
}

func (b *book) rewind(s *Member) {
	for _, p := range b.of(s) {
		b.end(p)
	}
}

func (b *book) forfeit(s *Member) {
	for _, p := range b.of(s) {
		b.end(p)
		p.owner = nil
	}
}
