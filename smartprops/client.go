package smartprops

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"

	"github.com/google/uuid"

	"github.com/alexaevents/alexaevents"
	"github.com/alexaevents/alexaevents/internal/rest"
)

// Client manages configurations and subscriptions through the Event Messenger API, and
// associates endpoints with units through the Endpoint API. The Event Messenger API has
// no updates: delete and create instead. A Client is safe for concurrent use. Its
// fields must not change once it is in use.
//
// Its methods return an *[alexaevents.Error] if a request failed. They check
// requests and return an *[alexaevents.InvalidError] for one that Amazon would
// refuse, without sending it. A request that fails temporarily is retried up to
// three times. One that creates something without an idempotency token is retried
// only if no connection was made.
type Client struct {
	// HTTPClient adds an access token with the scope alexa::enterprise:management
	// to each request, as lwa.Source.HTTPClient does. Nil is a client with a
	// timeout of 30 seconds and without a token, whose requests Amazon refuses
	// with [alexaevents.ErrUnauthorized].
	HTTPClient *http.Client

	// Region selects the host of the Endpoint API by the country of the organization:
	// Canada and the United States are in [alexaevents.NorthAmerica]; Germany, Spain,
	// France, Italy and the United Kingdom in [alexaevents.Europe]; Japan in
	// [alexaevents.FarEast]. Empty is NorthAmerica. The Event Messenger API has one
	// host for all.
	Region alexaevents.Region

	// PageSize is the number of items in a page of a list. Amazon documents at
	// most 10; its sample program requests 100. Zero leaves it to Amazon.
	PageSize int

	// NewToken returns the idempotency token of a creation, which stays the same
	// over its retries. Only Amazon's sample program has such a token, not its
	// documents: if the API refuses it, return "", which sends no token and
	// makes no retry. Nil returns random UUIDs.
	NewToken func() string
}

// api returns the Event Messenger API.
func (c *Client) api() rest.Client {
	return rest.Client{API: "smartprops", URL: alexaevents.NorthAmerica.APIEndpoint() + "/v1/eventMessenger", Hints: hints, HTTP: c.HTTPClient} // there is no other host
}

func (c *Client) newToken() string {
	if c.NewToken == nil {
		return uuid.NewString()
	}
	return c.NewToken()
}

// created returns a page of what the token's user created.
func (c *Client) created(ctx context.Context, path string, query url.Values, token string) (items []json.RawMessage, next string, err error) {
	query.Set("owner", "~caller")
	return c.page(ctx, c.api(), path, query, token)
}

// page returns a page of a list.
func (c *Client) page(ctx context.Context, api rest.Client, path string, query url.Values, token string) (items []json.RawMessage, next string, err error) {
	var response struct {
		Results           []json.RawMessage `json:"results"`
		PaginationContext struct {
			NextToken string `json:"nextToken"`
		} `json:"paginationContext"`
	}
	err = api.Get(ctx, path, rest.PageQuery(query, c.PageSize, token), &response)
	return response.Results, response.PaginationContext.NextToken, err
}

// resource returns the path of a configuration, subscription or endpoint.
func resource(kind, id string) (string, error) {
	segment, ok := rest.Segment(id)
	if !ok {
		return "", invalid("ID", "required")
	}
	return kind + "/" + segment, nil
}
