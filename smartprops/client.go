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
// The errors of its methods are *[InvalidError], before anything is sent, and
// *[Error]. A request is sent up to four times, seconds apart, while it fails
// temporarily. One that creates something is sent again only if it has an
// idempotency token.
type Client struct {
	// HTTPClient adds an access token with the scope alexa::enterprise:management
	// to each request, as the clients of lwa.Source.HTTPClient do. Nil is a
	// client without one and with a timeout of 30 seconds, whose requests Amazon
	// refuses: [ErrUnauthorized].
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

func (c *Client) get(ctx context.Context, path string, query url.Values, value any) error {
	answer, err := c.do(ctx, rest.Request{Method: http.MethodGet, URL: path, Query: query, Repeatable: true})
	if err != nil {
		return err
	}
	return failure(answer.Decode(value))
}

// create returns the ID of what it created. Amazon documents it twice: in the
// body and, bare, as Location.
func (c *Client) create(ctx context.Context, path, token string, body any) (id string, err error) {
	answer, err := c.do(ctx, rest.Request{Method: http.MethodPost, URL: path, Body: body, Repeatable: token != ""})
	if err != nil {
		return "", err
	}
	var created struct{ ID string }
	_ = json.Unmarshal(answer.Body, &created) // there is the Location besides
	if created.ID != "" {
		return created.ID, nil
	}
	if id = answer.LocationID(); id == "" {
		return "", &Error{Status: answer.Status, Message: "the answer has no ID"}
	}
	return id, nil
}

func (c *Client) delete(ctx context.Context, path string) error {
	_, err := c.do(ctx, rest.Request{Method: http.MethodDelete, URL: path, Repeatable: true})
	return err
}

func (c *Client) do(ctx context.Context, request rest.Request) (*rest.Answer, error) {
	request.URL = alexaevents.NorthAmerica.APIEndpoint() + "/v1/eventMessenger" + request.URL // there is no other host
	answer, err := rest.Do(ctx, c.HTTPClient, request)
	return answer, failure(err)
}

func (c *Client) newToken() string {
	if c.NewToken == nil {
		return uuid.NewString()
	}
	return c.NewToken()
}

// list is an answer with a page of a list.
type list struct {
	Results           []json.RawMessage `json:"results"`
	PaginationContext struct {
		NextToken string `json:"nextToken"`
	} `json:"paginationContext"`
}

// page asks for a page of what the token's user has created.
func (c *Client) page(ctx context.Context, path string, query url.Values, token string) (items []json.RawMessage, next string, err error) {
	query.Set("owner", "~caller")
	var answer list
	err = c.get(ctx, path, rest.PageQuery(query, c.PageSize, token), &answer)
	return answer.Results, answer.PaginationContext.NextToken, err
}

// resource returns the path of a configuration or subscription.
func resource(kind, id string) (string, error) {
	segment, ok := rest.Segment(id)
	if !ok {
		return "", &InvalidError{"ID", "required"}
	}
	return kind + "/" + segment, nil
}
