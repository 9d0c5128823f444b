package envelope

// Objects reads what is inside of a scanned document, where any member may be
// missing or of another JSON type.
type Objects struct {
	Err error // what was wrong with one of them
}

// Members calls visit for each member of an object, as the function [Members]
// does. A value of another type has no members.
func (o *Objects) Members(object Raw, visit func(name []byte, value Raw) bool) {
	if object == nil || object[0] != '{' {
		return
	}
	if err := Members(object, visit); err != nil {
		o.Err = err
	}
}

// Text sets text to the member of an object that has the name and is a string.
func (o *Objects) Text(object Raw, name string, text *string) {
	o.Members(object, func(found []byte, value Raw) bool {
		if string(found) != name {
			return false
		}
		*text = value.TextIfAny()
		return true
	})
}

// Elements calls visit for each element of a list that is in a scanned document.
// A value of another type has no elements.
func (o *Objects) Elements(list Raw, visit func(value Raw)) {
	if list == nil || list[0] != '[' {
		return
	}
	s := scanner{data: list}
	for i := space(list, 1); at(list, i) != ']'; {
		end := s.value(i, 1)
		if end == failed {
			o.Err = &SyntaxError{s.err.Offset, s.err.Reason}
			return
		}
		visit(list[i:end:end])
		if i = space(list, end); at(list, i) == ',' {
			i = space(list, i+1)
		}
	}
}

// TextIfAny returns the string that the value is, "" for another one.
func (r Raw) TextIfAny() string {
	text, _ := r.Text()
	return text
}
