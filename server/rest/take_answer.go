package rest

import (
	"net/http"
	"strconv"
	"time"

	"github.com/sluice-proxy/sluice/server/lender"
)

// appendLent writes one of the batch's records: as REST v2 has it, with how often it was lent, and its lease.
func appendLent(out []byte, p *lender.Batch, i int, f format) []byte {
	out = appendMembers(append(out, '{'), f, &p.Records[i].Record)
	out = strconv.AppendInt(append(out, `,"delivery":`...), int64(p.Records[i].Attempt), 10)
	if len(p.Leases) > 0 {
		out = append(p.Leases[i].Append(append(out, `,"lease":"`...)), '"')
	}
	return append(out, '}')
}

// list answers with a parcel's records. An error says that the client did not get all of them.
func (a *apiV1) list(x *exchange, p *lender.Batch, f format) error {
	buffer := newOut()
	out := (*buffer)[:0]
	defer func() { freeOut(buffer, out) }()
	control := http.NewResponseController(x.w)
	_ = control.SetWriteDeadline(time.Now().Add(a.patience))
	separator := byte('[')
	for i := range p.Records {
		if len(out) >= spillBytes {
			if err := writePart(x, out); err != nil {
				return err
			}
			out = out[:0]
		}
		out = appendLent(append(out, separator), p, i, f)
		separator = ','
	}
	out = append(out, ']')
	if err := writeLast(x, out); err != nil {
		return err
	}
	return control.Flush() // net/http does not tell what becomes of what it still has
}

// last writes the end of a list. One that is all of it has a length, and is packed for who wants it so.
func writeLast(x *exchange, text []byte) error {
	if x.status == 0 {
		if len(text) >= compressFrom {
			text = x.compressed(text)
		}
		x.w.Header().Set("Content-Length", strconv.Itoa(len(text)))
	}
	return writePart(x, text)
}

// part writes a part of a list.
func writePart(x *exchange, text []byte) error {
	if x.status == 0 {
		x.begin(http.StatusOK, jsonType)
	}
	_, err := x.w.Write(text)
	return err
}
