package jsonscan

import "unicode/utf8"

// EachField reads a text that is one object and calls field with the name and the text of each member's value.
// Messages call the text what: "the body", say.
func EachField(text []byte, what string, field func(name string, raw []byte) error) error {
	if !utf8.Valid(text) {
		return NotUTF8("the body")
	}
	s := New(text)
	if s.Peek() != '{' {
		return s.Unexpected("%s is not an object", what)
	}
	more, err := s.Enter('{')
	for more && err == nil {
		var name, raw []byte
		if name, err = s.Name(); err != nil {
			break
		}
		if raw, err = s.Value(); err != nil {
			break
		}
		if err = field(string(name), raw); err != nil {
			break
		}
		more, err = s.Next('{')
	}
	if err != nil {
		return err
	}
	return s.End()
}

// EachElement reads the text of a list of at most most elements and calls element with the text of each. The text null
// is an empty list. Messages call the list by its name.
func EachElement(raw []byte, name string, most int, element func(raw []byte) error) error {
	if IsNull(raw) {
		return nil
	}
	s := New(raw)
	if s.Peek() != '[' {
		return Mismatch("%q is not a list", name)
	}
	more, err := s.Enter('[')
	for n := 0; more && err == nil; n++ {
		if n == most {
			return Excess("%q has more than %d elements", name, most)
		}
		var value []byte
		if value, err = s.Value(); err != nil {
			break
		}
		if err = element(value); err != nil {
			break
		}
		more, err = s.Next('[')
	}
	return err
}
