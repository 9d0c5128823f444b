package rest

import (
	"net"
	"net/http"
	"time"
)

// defaultClient takes the place of a nil client. It ignores the environment
// variables for proxies, and keeps many connections to Amazon's few hosts. It is
// not a clone of http.DefaultTransport, which a program may have replaced.
//
// A network can drop a connection silently: it stays open, and no response
// arrives. The pings close such an HTTP/2 connection within six seconds, so that
// other requests do not use it. A request over HTTP/1.1 closes its connection when
// it times out.
var defaultClient = &http.Client{
	Timeout: 30 * time.Second,
	Transport: &http.Transport{
		DialContext:         (&net.Dialer{Timeout: 5 * time.Second}).DialContext,
		TLSHandshakeTimeout: 5 * time.Second,
		ForceAttemptHTTP2:   true, // DialContext would disable it
		HTTP2:               &http.HTTP2Config{SendPingTimeout: 4 * time.Second, PingTimeout: 2 * time.Second},
		MaxIdleConns:        1024,
		MaxIdleConnsPerHost: 512, // each request in flight over HTTP/1.1 has a connection of its own
		IdleConnTimeout:     90 * time.Second,
	},
}

// HTTPClient returns a copy of the client that follows no redirect, so that the
// tokens of a request go to no other host. Nil is a client with a timeout of 30
// seconds and without a proxy.
func HTTPClient(client *http.Client) *http.Client {
	if client == nil {
		client = defaultClient
	}
	copied := *client
	copied.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &copied
}
