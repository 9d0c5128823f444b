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

// Client manages subscriptions through the Event Messenger API, which has no
// updates: what shall change is deleted and created again. It is safe for
// concurrent use; its fields must not change once it is in use.
//
// Its methods return an *[alexaevents.InvalidError] for a request that Amazon
// would refuse, before they send it, and an *[alexaevents.Error] for one that
// failed. A request that fails temporarily is retried up to three times; one that
// creates something only if it has an idempotency token.
type Client struct {
	// HTTPClient adds an access token with the scope alexa::enterprise:management
	// to each request, as the clients of lwa.Source.HTTPClient do. Nil is a
	// client without one and with a timeout of 30 seconds, whose requests Amazon
	// refuses: [alexaevents.ErrUnauthorized].
	HTTPClient *http.Client

	// PageSize is how many items of a list Amazon shall send at once. Amazon
	// documents at most 10; its sample program asks for 100. Zero leaves the
	// number to Amazon.
	PageSize int

	// NewToken makes the idempotency token of each creation, by which Amazon is
	// to know a repetition. It is called once for each, so the token stays when
	// the request is sent again. Only Amazon's sample program has it, not its
	// documents: if the API refuses it, return "", which sends none and creates
	// without a second try. Nil makes random UUIDs.
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

// page asks for a page of what the token's user has created.
func (c *Client) page(ctx context.Context, path string, query url.Values, token string) (items []json.RawMessage, next string, err error) {
	query.Set("owner", "~caller")
	var response struct {
		Results           []json.RawMessage `json:"results"`
		PaginationContext struct {
			NextToken string `json:"nextToken"`
		} `json:"paginationContext"`
	}
	err = c.api().Get(ctx, path, rest.PageQuery(query, c.PageSize, token), &response)
	return response.Results, response.PaginationContext.NextToken, err
}

// resource returns the path of a configuration or subscription.
func resource(kind, id string) (string, error) {
	segment, ok := rest.Segment(id)
	if !ok {
		return "", invalid("ID", "required")
	}
	return kind + "/" + segment, nil
}
