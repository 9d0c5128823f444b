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
	"github.com/alexaevents/alexaevents/internal/redact"
)

// maxCookie is the maximum length of a decoded cookie in bytes. Amazon once
// documented a limit of 5000; today's limit is unknown.
const maxCookie = 16 << 10

var errNotObject = errors.New("not a JSON object")

// The types of the directives that no interface of an endpoint defines, for
// [Directive.Type].
const (
	AcceptGrant = "Alexa.Authorization.AcceptGrant" // permission to send events about the customer, for a Granter
	Discover    = "Alexa.Discovery.Discover"        // request for the customer's endpoints
	ReportState = "Alexa.ReportState"               // request for an endpoint's properties
)

// Directive is a request of Alexa's to a smart home skill. It prints, logs and
// marshals as its type, message ID and endpoint ID, without tokens.
type Directive struct {
	Namespace        string             // the interface, such as "Alexa.PowerController"
	Name             string             // the directive of the interface, such as "TurnOn"
	Instance         string             // the instance of the interface; empty for interfaces without instances
	PayloadVersion   string             // the version of the interface, such as "3"
	MessageID        string             // an opaque ID
	CorrelationToken alexaevents.Secret // repeated in the response; empty without one

	EndpointID string            // the endpoint's ID; empty for directives that concern no endpoint
	Cookie     map[string]string // the endpoint's cookie from the discovery response

	// AccessToken is the skill's own account linking token, which names the
	// customer. It comes from the endpoint, for [Discover] from the payload. It is
	// empty for [AcceptGrant], which a [Granter] handles.
	AccessToken alexaevents.Secret

	// ScopeType is the type of the scope that contains AccessToken: "BearerToken",
	// or "BearerTokenWithPartition" if the skill is enabled for a unit of Alexa
	// Smart Properties. Partition is the part of the account that the second type
	// names, such as a room; empty without one.
	ScopeType, Partition string

	payload, raw json.RawMessage
}

// ParseDirective decodes a directive, as the Lambda function of a smart home skill
// receives it. It copies data.
//
// Missing and unknown members are no error, except that namespace and name are
// required. Every error is [ErrMalformedDirective] and contains nothing of data. It
// means that data is not one JSON object in valid UTF-8 of at most 64 levels, that a
// decoded member occurs twice, or that one is neither null nor of its type. A
// PayloadVersion, MessageID, ScopeType, Partition or Cookie of another type stays
// empty, and so does a Cookie of more than 16 KiB.
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
		return nil, fmt.Errorf("%w: namespace or name is missing in directive.header", ErrMalformedDirective)
	}
	if len(cookie) > maxCookie || cookie != nil && json.Unmarshal(cookie, &d.Cookie) != nil {
		d.Cookie = nil // the skill defined it, and Raw has it
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

// fields maps the members of a JSON object to their destinations: *string,
// *textIfAny, *json.RawMessage, or the fields of an inner object.
type fields map[string]any

// textIfAny is a text on which no decision depends. It stays empty if the member is
// not a text.
type textIfAny string

// nodes returns the nodes to find in an object for these fields.
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

// read decodes a directive or its payload; nil has no members.
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

// fill sets the fields to the values of the nodes.
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

// Payload returns the payload as it arrived, nil without one. It may contain tokens:
// do not log it. The caller must not change the bytes.
func (d *Directive) Payload() json.RawMessage { return d.payload }

// Raw returns the whole directive as it arrived. It contains tokens: do not log it.
// The caller must not change the bytes.
func (d *Directive) Raw() json.RawMessage { return d.raw }

// Response returns a response for a directive that succeeded, with the endpoint's
// current properties. The caller may set its other fields.
func (d *Directive) Response(context ...Property) *Response {
	return &Response{
		PayloadVersion: d.PayloadVersion, EndpointID: d.EndpointID, CorrelationToken: d.CorrelationToken, Context: context,
	}
}

// StateReport returns the response to [ReportState], with the endpoint's current
// properties.
func (d *Directive) StateReport(context ...Property) *StateReport {
	return &StateReport{EndpointID: d.EndpointID, CorrelationToken: d.CorrelationToken, Context: context}
}

// ErrorResponse returns a response for a directive that failed. The message is for
// the developer. The caller may set its other fields, such as Namespace for a type
// that one interface defines.
func (d *Directive) ErrorResponse(t ErrorType, message string) *ErrorResponse {
	return &ErrorResponse{
		PayloadVersion: d.PayloadVersion, EndpointID: d.EndpointID, CorrelationToken: d.CorrelationToken, Type: t, Message: message,
	}
}

// DeferredResponse returns a response for a directive whose actual response is sent
// later. The estimate may be zero.
func (d *Directive) DeferredResponse(estimate time.Duration) *DeferredResponse {
	return &DeferredResponse{CorrelationToken: d.CorrelationToken, EstimatedDeferral: estimate}
}

// The methods below have value receivers, so that copies of a directive are as safe
// to print as the pointer that ParseDirective returns.

func (d Directive) summary() redact.Summary {
	return redact.Summary{
		{Name: "type", Text: d.Type()},
		{Name: "messageId", Text: d.MessageID},
		{Name: "endpointId", Text: d.EndpointID},
	}
}

// MarshalJSON returns an object with the directive's type, messageId and
// endpointId only. [Directive.Raw] returns the whole directive.
func (d Directive) MarshalJSON() ([]byte, error) { return d.summary().JSON(), nil }

// Format prints the result of [Directive.MarshalJSON] for every verb.
func (d Directive) Format(f fmt.State, verb rune) { d.summary().Format(f, verb) }

// LogValue returns the members of [Directive.MarshalJSON] as a group.
func (d Directive) LogValue() slog.Value { return d.summary().LogValue() }
