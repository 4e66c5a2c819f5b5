package rest

import "github.com/sluice-proxy/sluice/kafka"

// headers takes [{"key":"trace","value":"<base64>"}], or null; in version 3 "key" is "name". A header's value
// is binary in every format.
func (b *batch) headers() ([]kafka.Header, error) {
	if b.peek() != '[' {
		raw, err := b.value()
		if err == nil && !isNull(raw) {
			err = invalid("\"headers\" is not a list")
		}
		return nil, err
	}
	var headers []kafka.Header
	more, err := b.enter('[')
	for more && err == nil {
		var h kafka.Header
		if h, err = b.header(); err != nil {
			break
		}
		headers = append(headers, h)
		more, err = b.next('[')
	}
	return headers, err
}

func (b *batch) header() (h kafka.Header, err error) {
	if b.peek() != '{' {
		return h, b.shape("a header is not an object")
	}
	named := false
	more, err := b.enter('{')
	for more && err == nil {
		if err = b.headerField(&h, &named); err != nil {
			break
		}
		more, err = b.next('{')
	}
	if err == nil && !named {
		err = invalid("a header has no %q", b.headerName())
	}
	return h, err
}

func (b *batch) headerField(h *kafka.Header, named *bool) error {
	name, err := b.name()
	if err != nil {
		return err
	}
	raw, err := b.value()
	if err != nil {
		return err
	}
	switch {
	case string(name) == b.headerName() && raw[0] == '"':
		h.Name, *named = string(unquote(raw)), true
	case string(name) == "value" && isNull(raw):
		h.Value = nil
	case string(name) == "value":
		h.Value, err = b.base64("value", raw)
	default:
		err = invalid("a header is {%q:\"name\",\"value\":\"base64, or null\"}", b.headerName())
	}
	return err
}

// headerName is what the name of a header is called.
func (b *batch) headerName() string {
	if b.v3 {
		return "name"
	}
	return "key"
}
