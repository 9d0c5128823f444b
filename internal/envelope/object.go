package envelope

// Members calls visit with the name and value of each member of any JSON object;
// the value is nil for null. Visit reports whether it reads members of this name; a
// second one is then an error. Otherwise Members accepts what Scan accepts. Before
// Members returns an error, visit may have seen some members.
//
// Names and values may point into data. A name is valid only during the call. The
// escapes of a name of more than 256 bytes are not resolved.
func Members(data []byte, visit func(name []byte, value Raw) bool) error {
	s := scanner{data: data, visit: visit}
	return s.document(nil)
}

// Node is a member that [Find] finds. If it is an object, Find finds Members in it.
type Node struct {
	Name    string
	Value   Raw // nil if absent or null
	Members []Node

	occurred bool
}

// Member returns the node in Members with the name, nil without one.
func (n *Node) Member(name string) *Node { return n.member([]byte(name)) }

func (n *Node) member(name []byte) *Node {
	for i := range n.Members {
		if m := &n.Members[i]; m.Name == string(name) {
			return m
		}
	}
	return nil
}

// Find finds members of any JSON object, and of the objects in it, in one scan. So
// it suits bytes of unknown origin, where a call of [Members] for each object scans
// the inner ones several times. A second member of a name that it finds is an
// error. Otherwise Find accepts what Scan accepts. The values point into data.
func Find(data []byte, members []Node) error {
	s := scanner{data: data}
	return s.document(&Node{Members: members})
}

// Objects reads the objects in a scanned document. Any member may be missing or
// have another JSON type.
type Objects struct {
	Err error // the last error
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

// Elements calls visit for each element of a list in a scanned document. A value
// of another type has no elements.
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
