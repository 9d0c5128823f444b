// Package outbound makes the HTTP clients that talk to Amazon.
package outbound

import (
	"net/http"
	"time"
)

// own is what a nil client stands for. It follows no environment variable to a
// proxy, and keeps many connections to Amazon's few hosts. It is not made of
// http.DefaultTransport, which a program may have replaced by now.
var own = &http.Client{
	Timeout: 30 * time.Second,
	Transport: &http.Transport{
		MaxIdleConns:        100,
		MaxIdleConnsPerHost: 100,
		IdleConnTimeout:     90 * time.Second,
		TLSHandshakeTimeout: 10 * time.Second,
	},
}

// Client returns a copy of the client that follows no redirect, so that what a
// request carries goes nowhere else. Nil is a client with a timeout of 30
// seconds that uses no proxy.
func Client(client *http.Client) *http.Client {
	if client == nil {
		client = own
	}
	still := *client
	still.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &still
}
