package skillevents

import "github.com/alexaevents/alexaevents"

// AuthorizationGrant carries an authorization code for a custom skill that has
// out-of-session permissions without account linking (Alexa.Authorization.Grant).
// It is not the AcceptGrant directive of a smart home skill.
type AuthorizationGrant struct {
	Envelope `json:"-"`

	GrantType string             `json:"type"` // body.grant.type: "OAuth2.AuthorizationCode"
	Code      alexaevents.Secret `json:"code"` // body.grant.code
}
