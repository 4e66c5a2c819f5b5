package ledger

// keyLine is a line of records of one key, of which only the first may be lent.
type keyLine struct {
	first  int64   // offset of the record that may be lent
	behind offsets // those that wait behind it
}

// line is the line that an entry's key has; nil for none. Records without a key stand in no line.
func (l *Ledger) line(e *entry) *keyLine {
	if len(l.keys) == 0 || e.record.Key == nil {
		return nil
	}
	return l.keys[string(e.record.Key)]
}

// waitsForKey makes a ready entry wait if another record of its key comes first, and tells whether it does.
func (l *Ledger) waitsForKey(e *entry) bool {
	line := l.line(e)
	switch {
	case line == nil, line.first == e.record.Offset:
		return false
	case e.record.Offset < line.first && l.rules.order == Shared: // both were lent before one of them failed
		return false
	}
	l.leave(e)
	l.enter(e, waiting)
	line.behind = line.behind.with(e.record.Offset)
	return true
}

// takeKey makes the later records of an entry's key wait, where only one of a key is lent at once.
func (l *Ledger) takeKey(e *entry) {
	if l.rules.order == Keyed {
		l.block(e)
	}
}

// block makes the later records of an entry's key wait. One of them may have failed before: the lower one comes first.
func (l *Ledger) block(e *entry) {
	if e.record.Key == nil {
		return
	}
	if l.keys == nil {
		l.keys = map[string]*keyLine{}
	}
	line := l.keys[string(e.record.Key)]
	switch {
	case line == nil:
		l.keys[string(e.record.Key)] = &keyLine{first: e.record.Offset}
	case line.first > e.record.Offset:
		line.behind = line.behind.with(line.first)
		line.first = e.record.Offset
	case line.first < e.record.Offset:
		line.behind = line.behind.with(e.record.Offset)
	}
}

// unblock lets the key's next record go on when an entry does not stand in the way any more: the next one, where only
// one of a key is lent at once, else all up to the next that has failed.
func (l *Ledger) unblock(e *entry) {
	line := l.line(e)
	if line == nil {
		return
	}
	line.behind = line.behind.without(e.record.Offset)
	if line.first != e.record.Offset {
		return
	}
	for len(line.behind) > 0 {
		next := l.find(line.behind[0])
		line.behind = line.behind[1:]
		if next == nil || next.state == settled {
			continue
		}
		l.comeUp(next)
		if l.rules.order == Keyed || next.state == dying || next.failing.blocks() {
			line.first = next.record.Offset
			return
		}
	}
	delete(l.keys, string(e.record.Key))
}

// comeUp makes a record ready that waited for its key, unless it waits for its time too.
func (l *Ledger) comeUp(e *entry) {
	if e.state != waiting || e.failing.waits() {
		return
	}
	l.leave(e)
	l.renew(e)
}
