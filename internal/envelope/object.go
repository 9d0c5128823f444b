package envelope

// Members calls visit for each member of a JSON object that is not a request:
// its name, and its value, nil if that is null. Visit reports whether it reads
// the members of this name; a second one of these is an error. Otherwise Members
// accepts what Scan accepts. If it returns an error, visit may have seen some
// members already.
//
// Names and values may point into data. A name is valid only during the call, and
// if it is longer than 256 bytes its escapes are not resolved.
func Members(data []byte, visit func(name []byte, value Raw) bool) error {
	s := scanner{data: data, visit: visit}
	return s.document(nil)
}

// Node is a member that [Find] finds, with which of its own members, if it is an
// object.
type Node struct {
	Name    string
	Value   Raw // nil if absent or null
	Members []Node

	occurred bool
}

// Member returns the member of the node that has the name, nil if none is to be
// found.
func (n *Node) Member(name string) *Node { return n.member([]byte(name)) }

func (n *Node) member(name []byte) *Node {
	for i := range n.Members {
		if m := &n.Members[i]; m.Name == string(name) {
			return m
		}
	}
	return nil
}

// Find finds the members of a JSON object that is not a request, at any depth, in
// one scan. A second member of a name that it looks for is an error. Otherwise it
// accepts what Scan accepts.
//
// The values point into data.
func Find(data []byte, members []Node) error {
	s := scanner{data: data}
	return s.document(&Node{Members: members})
}

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
