package cloud

// Status is what the cloud runs with.
type Status struct {
	Skill      string `json:"skill"`
	To         string `json:"to"`
	Directives string `json:"directives,omitempty"`
}

// Fault is an alexatest.Fault in JSON.
type Fault struct {
	URL        string `json:"url,omitempty"`
	Times      int    `json:"times,omitempty"`
	Delay      string `json:"delay,omitempty"`
	Status     int    `json:"status,omitempty"`
	Code       string `json:"code,omitempty"`
	RetryAfter string `json:"retry_after,omitempty"`
	Reset      bool   `json:"reset,omitempty"`
	Lost       bool   `json:"lost,omitempty"`
	Truncate   bool   `json:"truncate,omitempty"`
}

// Age is how much older everything becomes.
type Age struct {
	By string `json:"by"`
}

// Topic is an SNS topic with its endpoints.
type Topic struct {
	ARN       string          `json:"arn"`
	SHA1      bool            `json:"sha1,omitempty"`
	Closed    bool            `json:"closed,omitempty"`
	Pause     string          `json:"pause,omitempty"` // time before SNS delivers again
	Endpoints []TopicEndpoint `json:"endpoints,omitempty"`
}

// TopicEndpoint is an endpoint of a topic.
type TopicEndpoint struct {
	URL       string `json:"url"`
	Confirmed bool   `json:"confirmed"`
}

// Message is a message to publish.
type Message struct {
	Topic   string `json:"topic"`
	Message string `json:"message"`
}

// Subscribe is an endpoint for a topic.
type Subscribe struct {
	Topic string `json:"topic"`
	URL   string `json:"url"`
}

// Vendor is a developer account with the customers that have a role in it.
type Vendor struct {
	ID        string   `json:"id"`
	Customers []string `json:"customers"`
}

// Consent is a customer who opens an authorization URL and consents.
type Consent struct {
	URL      string `json:"url"`
	Customer string `json:"customer"`
}

// Redirect is where Amazon redirects the browser.
type Redirect struct {
	Redirect string `json:"redirect"`
}

// Scopes are the scopes of an access token for a developer.
type Scopes struct {
	Scopes []string `json:"scopes"`
}

// AccessToken is a developer's access token.
type AccessToken struct {
	AccessToken string `json:"access_token"`
}

// Forge is the backend that gets forgeries.
type Forge struct {
	To string `json:"to,omitempty"`
}

// Built is the body of a request.
type Built struct {
	Kind string `json:"kind"`
	Body string `json:"body"`
}

// ErrorBody is the body of a response with an error.
type ErrorBody struct {
	Error struct {
		Message string `json:"message"`
	} `json:"error"`
	Found []Entry `json:"found,omitempty"` // entries that were there in time
}
