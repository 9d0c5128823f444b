package gateway

import (
	"encoding/json"
	"fmt"

	"github.com/alexaevents/alexaevents"
)

// AuthorizationGrant is what the directive [AcceptGrant] brings.
type AuthorizationGrant struct {
	// Code is to be exchanged at Login with Amazon within minutes, once.
	Code alexaevents.Secret

	// GranteeToken is the skill's own account linking token, which names the
	// customer that the code is for. It changes when it is refreshed.
	GranteeToken alexaevents.Secret
}

// AcceptGrant returns what a directive of the type [AcceptGrant] brings. For any
// other, and for one without code or token, it returns [ErrMalformedDirective].
func (d *Directive) AcceptGrant() (*AuthorizationGrant, error) {
	if d.Type() != AcceptGrant {
		return nil, fmt.Errorf("%w: not an AcceptGrant", ErrMalformedDirective)
	}
	var grant AuthorizationGrant
	wire := fields{
		"grant":   fields{"code": (*string)(&grant.Code)},
		"grantee": fields{"token": (*string)(&grant.GranteeToken)},
	}
	if err := wire.read(d.payload, wire.nodes()); err != nil {
		return nil, err
	}
	if grant.Code == "" || grant.GranteeToken == "" {
		return nil, fmt.Errorf("%w: no grant.code or no grantee.token", ErrMalformedDirective)
	}
	return &grant, nil
}

// acceptGrantResponse encodes the answer that the grant is stored.
func acceptGrantResponse(d *Directive) (json.RawMessage, error) {
	return Answer(&Response{
		Namespace:        "Alexa.Authorization",
		Name:             "AcceptGrant.Response",
		PayloadVersion:   d.PayloadVersion,
		CorrelationToken: d.CorrelationToken,
	})
}

// acceptGrantFailed encodes the answer that it is not. The message must not hold
// anything secret.
func acceptGrantFailed(d *Directive, message string) (json.RawMessage, error) {
	return Answer(&ErrorResponse{
		Namespace:        "Alexa.Authorization",
		PayloadVersion:   d.PayloadVersion,
		CorrelationToken: d.CorrelationToken,
		Type:             "ACCEPT_GRANT_FAILED",
		Message:          message,
	})
}
