package alexatest

import (
	"encoding/json"

	"github.com/google/uuid"
)

// AcceptGrantDirective returns the directive with which Alexa brings the code of
// [Cloud.Grant]. The access token is the skill's own, of the customer's account.
func AcceptGrantDirective(code, accessToken string) []byte {
	return directive("Alexa.Authorization", "AcceptGrant", members{}, members{"payload": members{
		"grant":   members{"type": "OAuth2.AuthorizationCode", "code": code},
		"grantee": bearer(accessToken),
	}})
}

// Directive returns a directive of a smart home skill, of version 3, with a new
// message ID and correlation token. The access token is the skill's own. Without
// endpointID it is for no endpoint, and the token is in the payload. A nil
// payload is empty. It panics if the payload is not a JSON object.
func Directive(namespace, name, endpointID, accessToken string, payload any) []byte {
	encoded, err := json.Marshal(payload)
	must(err)
	var complete members
	must(json.Unmarshal(encoded, &complete))
	if complete == nil {
		complete = members{}
	}
	body := members{"payload": complete}
	if endpointID == "" {
		complete["scope"] = bearer(accessToken)
	} else {
		body["endpoint"] = members{"endpointId": endpointID, "scope": bearer(accessToken), "cookie": members{}}
	}
	return directive(namespace, name, members{"correlationToken": "alexatest|" + uuid.NewString() + "=="}, body)
}

func directive(namespace, name string, header, body members) []byte {
	header["namespace"], header["name"] = namespace, name
	header["payloadVersion"], header["messageId"] = "3", uuid.NewString()
	body["header"] = header
	encoded, err := json.Marshal(members{"directive": body})
	must(err)
	return encoded
}

func bearer(token string) members { return members{"type": "BearerToken", "token": token} }
