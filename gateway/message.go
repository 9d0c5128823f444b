package gateway

// message is a checked event, encoded up to what differs from one attempt to
// the next.
type message struct {
	event string // the event's type, for errors

	endpoint string // the endpoint's ID; empty for an event that concerns none

	body    []byte // the JSON without message ID and scope
	idAt    int    // where in body the message ID belongs
	scopeAt int    // where in body the scope belongs, at the start of an object; 0: nowhere

	sendOnly   bool // it cannot be the answer that a Lambda function returns
	correlated bool // it carries the correlation token of a directive, so it concerns one customer only
	repeatable bool // Alexa may get it twice: it tells a state or answers a directive, rather than a thing that happens
}

// Amazon's page allows an AddOrUpdateReport 256 KB. Of other events it says nothing.
const (
	maxEvent = 256_000         // bytes in UTF-8
	maxBody  = maxEvent - 4096 // without message ID and token, which has at most 2048 bytes
)

// sendable tells why the gateway would not take the message, whatever the token.
func (m *message) sendable() error {
	switch {
	case m.scopeAt == 0:
		return &InvalidError{Field: m.event, Rule: "names no endpoint; it can only be the answer that Answer encodes"}
	case len(m.body) > maxBody:
		return &InvalidError{Field: m.event, Rule: "must have at most 256 KB: split it", tooLarge: true}
	}
	return nil
}

// encode returns the JSON of one attempt. An empty token leaves out the scope,
// for synchronous answers.
func (m *message) encode(messageID, token string) ([]byte, error) {
	if !isMessageID(messageID) {
		return nil, &InvalidError{Field: m.event, Rule: "has a message ID that is not 1 to 127 letters, digits and hyphens"}
	}
	out := make([]byte, 0, len(m.body)+len(messageID)+len(scopeOpen)+len(token)+8)
	out = append(out, m.body[:m.idAt]...)
	out = append(out, messageID...)
	if token == "" {
		return append(out, m.body[m.idAt:]...), nil
	}
	if err := m.sendable(); err != nil {
		return nil, err
	}
	out = append(out, m.body[m.idAt:m.scopeAt]...)
	out = append(out, scopeOpen...)
	out = appendText(out, token)
	out = append(out, '}')
	if m.body[m.scopeAt] != '}' {
		out = append(out, ',')
	}
	return append(out, m.body[m.scopeAt:]...), nil
}

const scopeOpen = `"scope":{"type":"BearerToken","token":`

// isMessageID applies the pattern of Amazon's message schema.
func isMessageID(id string) bool {
	for i := range len(id) {
		if !isAlphanumeric(id[i]) && id[i] != '-' {
			return false
		}
	}
	return 1 <= len(id) && len(id) <= 127
}

func isAlphanumeric(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}
