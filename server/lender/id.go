package lender

import (
	"encoding/base64"
	"encoding/binary"
)

// ID names one lease: one delivery of one record to one worker. The next delivery of the same record has another ID, so
// that a late acknowledgement never counts for the worker that has the record now. The zero ID names nothing.
type ID struct {
	lender uint32 // number of the Lender
	slot   uint32 // index into its book
	secret uint64 // random: nobody guesses an ID, and a slot that is used again has another one
}

const (
	idBytes = 16
	idText  = (idBytes*8 + 5) / 6 // length in base64
)

// Append appends the ID as clients see it.
func (id ID) Append(out []byte) []byte {
	var raw [idBytes]byte
	binary.BigEndian.PutUint32(raw[0:], id.lender)
	binary.BigEndian.PutUint32(raw[4:], id.slot)
	binary.BigEndian.PutUint64(raw[8:], id.secret)
	return base64.RawURLEncoding.AppendEncode(out, raw[:])
}

// ParseID reads what Append wrote. It returns false for any other text.
func ParseID(text []byte) (id ID, ok bool) {
	var raw [idBytes]byte
	if len(text) != idText {
		return id, false
	}
	if n, err := base64.RawURLEncoding.Strict().Decode(raw[:], text); err != nil || n != idBytes {
		return id, false
	}
	return ID{binary.BigEndian.Uint32(raw[0:]), binary.BigEndian.Uint32(raw[4:]), binary.BigEndian.Uint64(raw[8:])}, true
}
