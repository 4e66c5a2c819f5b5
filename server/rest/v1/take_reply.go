package v1

import (
	"net/http"
	"strconv"

	"github.com/sluice-proxy/sluice/server/lender"
	"github.com/sluice-proxy/sluice/server/recordjson"
	"github.com/sluice-proxy/sluice/server/rest/exchange"
)

// appendLent writes one record of a batch, as REST v2 has it. It adds how often the record was lent, and its lease.
func appendLent(out []byte, p *lender.Batch, i int, f recordjson.Format) []byte {
	out = recordjson.AppendMembers(append(out, '{'), f, &p.Records[i].Record)
	out = strconv.AppendInt(append(out, `,"delivery":`...), int64(p.Records[i].Attempt), 10)
	if len(p.Leases) > 0 {
		out = append(p.Leases[i].Append(append(out, `,"lease":"`...)), '"')
	}
	return append(out, '}')
}

// list answers with the records of a batch. An error says that the client did not get all of them.
func (a *API) list(x *exchange.Exchange, p *lender.Batch, f recordjson.Format) error {
	buffer := exchange.NewBuffer()
	out := (*buffer)[:0]
	defer func() { exchange.FreeBuffer(buffer, out) }()
	separator := byte('[')
	for i := range p.Records {
		if len(out) >= exchange.PieceBytes {
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
	return x.Flush()
}

// writeLast writes the end of a list. If that is the whole list it has a length, and may be compressed.
func writeLast(x *exchange.Exchange, text []byte) error {
	if x.Status == 0 {
		if len(text) >= exchange.CompressFrom {
			text = x.Compressed(text)
		}
		x.W.Header().Set("Content-Length", strconv.Itoa(len(text)))
	}
	return writePart(x, text)
}

// writePart writes a part of a list.
func writePart(x *exchange.Exchange, text []byte) error {
	if x.Status == 0 {
		x.Begin(http.StatusOK, exchange.JSONType)
	}
	return x.WriteBody(text)
}
