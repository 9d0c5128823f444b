package sdns

import (
	"context"
	"net/http"
	"net/url"

	"github.com/alexaevents/alexaevents"
	"github.com/alexaevents/alexaevents/internal/rest"
)

const root = "/v0/developmentEvents"

// Client manages subscribers and subscriptions through the Skill Management
// API. It is safe for concurrent use; its fields must not change once it is in
// use.
//
// The errors of its methods are *[InvalidError], before anything is sent, and
// *[Error]. A request is sent up to four times, seconds apart, while it fails
// temporarily; one that creates something is sent once, since Amazon would
// create it twice.
type Client struct {
	// HTTPClient adds an access token with the scope alexa::ask:subscriptions
	// to each request, as the clients of lwa.Source.HTTPClient do. Nil is a
	// client without one and with a timeout of 30 seconds, whose requests Amazon
	// refuses: [ErrUnauthorized].
	HTTPClient *http.Client

	// PageSize is how many items of a list Amazon shall send at once, at most
	// 50. Zero leaves that to Amazon.
	PageSize int
}

// Vendor is a developer account.
type Vendor struct {
	ID    string   `json:"id"`
	Name  string   `json:"name"`
	Roles []string `json:"roles"` // of the token's user, such as ROLE_ADMINISTRATOR and ROLE_DEVELOPER
}

// Vendors returns the developer accounts that the user of the token has a role
// in. An organization finds the vendor IDs of its developers with it.
func (c *Client) Vendors(ctx context.Context) ([]Vendor, error) {
	var answer struct {
		Vendors []Vendor `json:"vendors"`
	}
	err := c.get(ctx, "/v1/vendors", nil, &answer)
	return answer.Vendors, err
}

func (c *Client) get(ctx context.Context, path string, query url.Values, value any) error {
	answer, err := c.do(ctx, rest.Request{Method: http.MethodGet, URL: path, Query: query, Repeatable: true})
	if err != nil {
		return err
	}
	return failure(answer.Decode(value))
}

// create returns the ID of what it created: the last part of the Location, which
// Amazon's model calls a relative URL.
func (c *Client) create(ctx context.Context, path string, body any) (id string, err error) {
	answer, err := c.do(ctx, rest.Request{Method: http.MethodPost, URL: path, Body: body})
	if err != nil {
		return "", err
	}
	if id = answer.LocationID(); id == "" {
		return "", &Error{Status: answer.Status, Message: "the answer has no Location to take the ID from"}
	}
	return id, nil
}

func (c *Client) update(ctx context.Context, path string, body any) error {
	_, err := c.do(ctx, rest.Request{Method: http.MethodPut, URL: path, Body: body, Repeatable: true})
	return err
}

func (c *Client) delete(ctx context.Context, path string) error {
	_, err := c.do(ctx, rest.Request{Method: http.MethodDelete, URL: path, Repeatable: true})
	return err
}

func (c *Client) do(ctx context.Context, request rest.Request) (*rest.Answer, error) {
	request.URL = alexaevents.NorthAmerica.APIEndpoint() + request.URL // there is no other host
	answer, err := rest.Do(ctx, c.HTTPClient, request)
	return answer, failure(err)
}
