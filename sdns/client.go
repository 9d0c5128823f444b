package sdns

import (
	"context"
	"net/http"
	"unicode/utf8"

	"github.com/alexaevents/alexaevents"
	"github.com/alexaevents/alexaevents/internal/rest"
)

const root = "/v0/developmentEvents"

// Client manages subscribers and subscriptions through the Skill Management
// API. It is safe for concurrent use. Its fields must not change once it is in
// use.
//
// Its methods return an *[alexaevents.Error] if a request failed. They check
// requests and return an *[alexaevents.InvalidError] for one that Amazon would
// refuse, without sending it. A request that fails temporarily is retried up to
// three times. One that creates something is retried only if no connection was
// made, since Amazon could create it twice.
type Client struct {
	// HTTPClient adds an access token with the scope alexa::ask:subscriptions
	// to each request, as lwa.Source.HTTPClient does. Nil is a client with a
	// timeout of 30 seconds and without a token, whose requests Amazon refuses
	// with [alexaevents.ErrUnauthorized].
	HTTPClient *http.Client

	// PageSize is the number of items in a page of a list, at most 50. Zero
	// leaves it to Amazon.
	PageSize int
}

// Vendor is a developer account.
type Vendor struct {
	ID    string   `json:"id"`
	Name  string   `json:"name"`
	Roles []string `json:"roles"` // roles of the token's user, such as ROLE_ADMINISTRATOR and ROLE_DEVELOPER
}

// Vendors returns the developer accounts in which the token's user has a role. An
// organization finds the vendor IDs of its developers with it.
func (c *Client) Vendors(ctx context.Context) ([]Vendor, error) {
	var response struct {
		Vendors []Vendor `json:"vendors"`
	}
	err := c.api().Get(ctx, "/v1/vendors", nil, &response)
	return response.Vendors, err
}

// api returns the Skill Management API.
func (c *Client) api() rest.Client {
	return rest.Client{API: "sdns", URL: alexaevents.NorthAmerica.APIEndpoint(), Hints: hints, HTTP: c.HTTPClient} // there is no other host
}

const (
	// The limits of Amazon's model.
	maxLength   = 255 // characters of a vendor ID, a subscription ID and a name
	maxPageSize = 50

	topicRule = "must be the ARN of an SNS topic, arn:aws:sns:us-east-1:123456789012:name"
)

func checkVendor(field, id string) error {
	if n := utf8.RuneCountInString(id); n < 1 || n > maxLength {
		return invalid(field, "must have 1 to 255 characters")
	}
	return nil
}

// checkList checks what every list needs.
func (c *Client) checkList(vendorID string) error {
	if c.PageSize < 0 || c.PageSize > maxPageSize {
		return invalid("Client.PageSize", "must be 0 to 50")
	}
	return checkVendor("vendorID", vendorID)
}

// resource returns the path of a subscriber or subscription.
func resource(kind, id string) (string, error) {
	segment, ok := rest.Segment(id)
	if !ok || utf8.RuneCountInString(id) > maxLength {
		return "", invalid("ID", "must have 1 to 255 characters")
	}
	return root + "/" + kind + "/" + segment, nil
}
