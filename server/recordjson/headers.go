package recordjson

import (
	"cmp"

	"github.com/sluice-proxy/sluice/kafka"
	"github.com/sluice-proxy/sluice/server/jsonscan"
)

// Headers reads [{"key":"trace","value":"<base64>"}], or null; in version 3 "key" is "name". The value of a header is
// base64 in every format.
func (b *Parser) Headers() ([]kafka.Header, error) {
	if b.Peek() != '[' {
		raw, err := b.Value()
		if err == nil && !jsonscan.IsNull(raw) {
			err = jsonscan.Mismatch("\"headers\" is not a list")
		}
		return nil, err
	}
	var headers []kafka.Header
	more, err := b.Enter('[')
	for more && err == nil {
		var h kafka.Header
		if h, err = b.readHeader(); err != nil {
			break
		}
		headers = append(headers, h)
		more, err = b.Next('[')
	}
	return headers, err
}

func (b *Parser) readHeader() (h kafka.Header, err error) {
	if b.Peek() != '{' {
		return h, b.Unexpected("a header is not an object")
	}
	named := false
	more, err := b.Enter('{')
	for more && err == nil {
		if err = b.readHeaderField(&h, &named); err != nil {
			break
		}
		more, err = b.Next('{')
	}
	if err == nil && !named {
		err = jsonscan.Mismatch("a header has no %q", b.headerName())
	}
	return h, err
}

func (b *Parser) readHeaderField(h *kafka.Header, named *bool) error {
	name, err := b.Name()
	if err != nil {
		return err
	}
	raw, err := b.Value()
	if err != nil {
		return err
	}
	switch {
	case string(name) == b.headerName() && raw[0] == '"' && jsonscan.Unpaired(raw):
		err = jsonscan.Mismatch("the name of a header has half of a surrogate pair, which is no character")
	case string(name) == b.headerName() && raw[0] == '"':
		h.Name, *named = string(jsonscan.Unquote(raw)), true
	case string(name) == "value" && jsonscan.IsNull(raw):
		h.Value = nil
	case string(name) == "value":
		h.Value, err = b.decodeBase64("value", raw)
	default:
		err = jsonscan.Mismatch("a header is {%q:\"name\",\"value\":\"base64, or null\"}", b.headerName())
	}
	return err
}

// headerName returns what the name of a header is called.
func (b *Parser) headerName() string { return cmp.Or(b.NameKey, "key") }
