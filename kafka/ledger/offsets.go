package ledger

import "slices"

// offsets are offsets in order.
type offsets []int64

// with adds an offset that is not there yet. It usually belongs behind the others.
func (o offsets) with(offset int64) offsets {
	if n := len(o); n == 0 || o[n-1] < offset {
		return append(o, offset)
	}
	i, there := slices.BinarySearch(o, offset)
	if there {
		return o
	}
	return slices.Insert(o, i, offset)
}

// without removes an offset.
func (o offsets) without(offset int64) offsets {
	if len(o) > 0 && o[0] == offset {
		return o[1:]
	}
	if i, there := slices.BinarySearch(o, offset); there {
		return slices.Delete(o, i, i+1)
	}
	return o
}
