package gateway

// Draft lets the tests of this directory do what a sender does.
type Draft = message

// MessageOf returns the message of an event.
func MessageOf(event Event) (*Draft, error) { return messageOf(event) }

// Encode encodes one attempt.
func (m *message) Encode(messageID, token string) ([]byte, error) { return m.encode(messageID, token) }

// Sendable tells why a sender would refuse the message.
func (m *message) Sendable() error { return m.sendable() }

// Correlated, Repeatable and SendOnly are what a sender and Answer decide by.
func (m *message) Correlated() bool { return m.correlated }
func (m *message) Repeatable() bool { return m.repeatable }
func (m *message) SendOnly() bool   { return m.sendOnly }

// The answers to AcceptGrant.
var (
	AcceptGrantResponse = acceptGrantResponse
	AcceptGrantFailed   = acceptGrantFailed
)
