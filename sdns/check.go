package sdns

import (
	"unicode/utf8"

	"github.com/alexaevents/alexaevents/internal/rest"
)

const (
	// Amazon's model has these limits.
	maxLength   = 255 // of vendor IDs, subscription IDs and names
	maxPageSize = 50

	topicRule = "the ARN of an SNS topic is required, arn:aws:sns:us-east-1:123456789012:name"
)

func checkVendor(field, id string) error {
	if n := utf8.RuneCountInString(id); n < 1 || n > maxLength {
		return &InvalidError{field, "1 to 255 characters are required"}
	}
	return nil
}

// checkList checks what every list needs.
func (c *Client) checkList(vendorID string) error {
	if c.PageSize < 0 || c.PageSize > maxPageSize {
		return &InvalidError{"Client.PageSize", "0 to 50 are possible"}
	}
	return checkVendor("vendorID", vendorID)
}

// resource returns the path of a subscriber or subscription.
func resource(kind, id string) (string, error) {
	segment, ok := rest.Segment(id)
	if !ok || utf8.RuneCountInString(id) > maxLength {
		return "", &InvalidError{"ID", "1 to 255 characters are required"}
	}
	return root + "/" + kind + "/" + segment, nil
}
