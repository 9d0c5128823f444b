package gateway

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/alexaevents/alexaevents"
	"github.com/alexaevents/alexaevents/internal/envelope"
	"github.com/alexaevents/alexaevents/internal/summary"
)

// maxCookie is the length in bytes of the longest cookie that is decoded. Amazon
// once documented a limit of 5000; today's is unverified.
const maxCookie = 16 << 10

var errNotObject = errors.New("not a JSON object")

// The types of directives that concern no interface of an endpoint, as
// [Directive.Type] has them.
const (
	AcceptGrant = "Alexa.Authorization.AcceptGrant" // the customer allows the skill to send events
	Discover    = "Alexa.Discovery.Discover"        // which endpoints are there?
	ReportState = "Alexa.ReportState"               // what are an endpoint's properties?
)

// Directive is what Alexa asks of a smart home skill. It prints, logs and
// marshals as its type, message ID and endpoint, without tokens.
type Directive struct {
	Namespace        string             // the interface, such as "Alexa.PowerController"
	Name             string             // such as "TurnOn"
	Instance         string             // empty for interfaces without instances
	PayloadVersion   string             // the interface's version, such as "3"
	MessageID        string             // opaque
	CorrelationToken alexaevents.Secret // what the answer must repeat; empty if Alexa sent none

	EndpointID string            // empty for directives that concern no endpoint
	Cookie     map[string]string // what the discovery response said of the endpoint

	// AccessToken is the skill's own account linking token, which names the
	// customer: of the endpoint, for [Discover] of the payload. It is empty for
	// [AcceptGrant], which is for [Granter.AcceptGrant].
	AccessToken alexaevents.Secret

	// ScopeType is the type of the scope that AccessToken is in: "BearerToken",
	// or "BearerTokenWithPartition" where the skill is enabled for a unit of Alexa
	// Smart Properties. Partition is the part of the account that the second type
	// names, such as a room; empty without one.
	ScopeType, Partition string

	payload, raw json.RawMessage
}

// ParseDirective decodes a directive, as the Lambda function of a smart home
// skill gets it. It keeps a copy of data, not data itself.
//
// What Amazon leaves out or adds is not an error. Every error wraps
// [ErrMalformedDirective], holds nothing of data, and means that data is not one
// JSON object in valid UTF-8 of at most 64 levels, that a member that is read
// occurs twice, that namespace or name is missing, or that a member is neither
// null nor what it should be. A PayloadVersion, MessageID, ScopeType, Partition
// or Cookie that is not what it should be stays empty, and so does a Cookie of
// more than 16 KiB.
func ParseDirective(data []byte) (*Directive, error) {
	d := &Directive{raw: bytes.Clone(data)}
	var cookie json.RawMessage
	wire := fields{"directive": fields{
		"header": fields{
			"namespace":        &d.Namespace,
			"name":             &d.Name,
			"instance":         &d.Instance,
			"payloadVersion":   (*textIfAny)(&d.PayloadVersion),
			"messageId":        (*textIfAny)(&d.MessageID),
			"correlationToken": (*string)(&d.CorrelationToken),
		},
		"endpoint": fields{
			"endpointId": &d.EndpointID,
			"cookie":     &cookie,
			"scope":      d.scope(),
		},
		"payload": &d.payload,
	}}
	scope := fields{"scope": d.scope()}
	root := envelope.Node{Members: wire.nodes()}
	payload := root.Member("directive").Member("payload")
	payload.Members = scope.nodes()
	if err := wire.read(d.raw, root.Members); err != nil {
		return nil, err
	}
	if d.Namespace == "" || d.Name == "" {
		return nil, fmt.Errorf("%w: no namespace or no name in directive.header", ErrMalformedDirective)
	}
	if len(cookie) > maxCookie || cookie != nil && json.Unmarshal(cookie, &d.Cookie) != nil {
		d.Cookie = nil // what it is lies with the skill, and it is in Raw
	}
	if d.Type() == Discover {
		if err := scope.fill(payload.Members); err != nil {
			return nil, fmt.Errorf("%w: payload: %w", ErrMalformedDirective, err)
		}
	}
	return d, nil
}

func (d *Directive) scope() fields {
	return fields{
		"token":     (*string)(&d.AccessToken),
		"type":      (*textIfAny)(&d.ScopeType),
		"partition": (*textIfAny)(&d.Partition),
	}
}

// fields says where the members of a JSON object go: to a *string, to a
// *textIfAny, to a *json.RawMessage, or to the fields of an object inside.
type fields map[string]any

// textIfAny is a text that nothing is decided by. It stays empty if the member
// is not one.
type textIfAny string

// nodes returns what is to be found in an object for these fields.
func (f fields) nodes() []envelope.Node {
	nodes := make([]envelope.Node, 0, len(f))
	for name, to := range f {
		node := envelope.Node{Name: name}
		if inner, ok := to.(fields); ok {
			node.Members = inner.nodes()
		}
		nodes = append(nodes, node)
	}
	return nodes
}

// read reads a directive or its payload; nil has no members.
func (f fields) read(object []byte, nodes []envelope.Node) error {
	if object == nil {
		return nil
	}
	err := envelope.Find(object, nodes)
	if err == nil {
		err = f.fill(nodes)
	}
	if err != nil {
		return fmt.Errorf("%w: %w", ErrMalformedDirective, err)
	}
	return nil
}

// fill sets the fields to what was found.
func (f fields) fill(nodes []envelope.Node) error {
	for _, node := range nodes {
		var err error
		switch to := f[node.Name].(type) {
		case *string:
			*to, err = node.Value.Text()
		case *textIfAny:
			*to = textIfAny(node.Value.TextIfAny())
		case *json.RawMessage:
			*to = json.RawMessage(node.Value)
		case fields:
			if err = to.fill(node.Members); node.Value != nil && node.Value[0] != '{' {
				err = errNotObject
			}
		}
		if err != nil {
			return fmt.Errorf("%s: %w", node.Name, err)
		}
	}
	return nil
}

// Type returns namespace and name, such as "Alexa.PowerController.TurnOn" or
// [ReportState], for a switch.
func (d *Directive) Type() string { return d.Namespace + "." + d.Name }

// Payload returns the payload as it arrived, nil if there is none. It may hold
// tokens: do not log it. The caller must not change the bytes.
func (d *Directive) Payload() json.RawMessage { return d.payload }

// Raw returns the whole directive as it arrived. It holds tokens: do not log it.
// The caller must not change the bytes.
func (d *Directive) Raw() json.RawMessage { return d.raw }

// Response returns the answer that the directive was carried out, with what the
// endpoint's properties are now. Its other fields may be changed.
func (d *Directive) Response(context ...Property) *Response {
	return &Response{
		PayloadVersion: d.PayloadVersion, EndpointID: d.EndpointID, CorrelationToken: d.CorrelationToken, Context: context,
	}
}

// StateReport returns the answer to [ReportState], with what the endpoint's
// properties are now.
func (d *Directive) StateReport(context ...Property) *StateReport {
	return &StateReport{EndpointID: d.EndpointID, CorrelationToken: d.CorrelationToken, Context: context}
}

// ErrorResponse returns the answer that the directive was not carried out. The
// message is for the developer. Its other fields may be changed, such as
// Namespace for a type that only one interface defines.
func (d *Directive) ErrorResponse(t ErrorType, message string) *ErrorResponse {
	return &ErrorResponse{
		PayloadVersion: d.PayloadVersion, EndpointID: d.EndpointID, CorrelationToken: d.CorrelationToken, Type: t, Message: message,
	}
}

// DeferredResponse returns the answer that another will follow. The estimate may
// be zero.
func (d *Directive) DeferredResponse(estimate time.Duration) *DeferredResponse {
	return &DeferredResponse{CorrelationToken: d.CorrelationToken, EstimatedDeferral: estimate}
}

// The methods below have value receivers, so that copies of directives are as
// safe to print as the pointers that ParseDirective returns.

func (d Directive) summary() summary.Summary {
	return summary.Summary{
		{Name: "type", Text: d.Type()},
		{Name: "messageId", Text: d.MessageID},
		{Name: "endpointId", Text: d.EndpointID},
	}
}

// MarshalJSON returns an object with the directive's type, messageId and
// endpointId, and nothing else. The whole directive is in [Directive.Raw].
func (d Directive) MarshalJSON() ([]byte, error) { return d.summary().JSON(), nil }

// Format prints what [Directive.MarshalJSON] returns, whatever the verb.
func (d Directive) Format(f fmt.State, verb rune) { d.summary().Format(f, verb) }

// LogValue is the same summary for log/slog, as a group.
func (d Directive) LogValue() slog.Value { return d.summary().LogValue() }
