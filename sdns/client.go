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
// API. It is safe for concurrent use; its fields must not change once it is in
// use.
//
// Its methods return an *[alexaevents.InvalidError] for a request that Amazon
// would refuse, before they send it, and an *[alexaevents.Error] for one that
// failed. A request that fails temporarily is retried up to three times; one that
// creates something is not, since Amazon would create it twice.
type Client struct {
	// HTTPClient adds an access token with the scope alexa::ask:subscriptions
	// to each request, as the clients of lwa.Source.HTTPClient do. Nil is a
	// client without one and with a timeout of 30 seconds, whose requests Amazon
	// refuses: [alexaevents.ErrUnauthorized].
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
	// Amazon's model has these limits.
	maxLength   = 255 // of vendor IDs, subscription IDs and names
	maxPageSize = 50

	topicRule = "the ARN of an SNS topic is required, arn:aws:sns:us-east-1:123456789012:name"
)

func checkVendor(field, id string) error {
	if n := utf8.RuneCountInString(id); n < 1 || n > maxLength {
		return invalid(field, "1 to 255 characters are required")
	}
	return nil
}

// checkList checks what every list needs.
func (c *Client) checkList(vendorID string) error {
	if c.PageSize < 0 || c.PageSize > maxPageSize {
		return invalid("Client.PageSize", "0 to 50 are possible")
	}
	return checkVendor("vendorID", vendorID)
}

// resource returns the path of a subscriber or subscription.
func resource(kind, id string) (string, error) {
	segment, ok := rest.Segment(id)
	if !ok || utf8.RuneCountInString(id) > maxLength {
		return "", invalid("ID", "1 to 255 characters are required")
	}
	return root + "/" + kind + "/" + segment, nil
}
