package rest

import (
	"net"
	"net/http"
	"time"
)

// own is what a nil client stands for. It follows no environment variable to a
// proxy, and keeps many connections to Amazon's few hosts. It is not made of
// http.DefaultTransport, which a program may have replaced by now.
//
// A network may swallow a connection: it stays open, and nothing comes back. The
// pings end an HTTP/2 connection in six seconds then, so that requests do not go
// on using it. A request over HTTP/1.1 ends its connection when it times out.
var own = &http.Client{
	Timeout: 30 * time.Second,
	Transport: &http.Transport{
		DialContext:         (&net.Dialer{Timeout: 5 * time.Second}).DialContext,
		TLSHandshakeTimeout: 5 * time.Second,
		ForceAttemptHTTP2:   true, // in spite of DialContext
		HTTP2:               &http.HTTP2Config{SendPingTimeout: 4 * time.Second, PingTimeout: 2 * time.Second},
		MaxIdleConns:        1024,
		MaxIdleConnsPerHost: 512, // each request in flight over HTTP/1.1 has a connection of its own
		IdleConnTimeout:     90 * time.Second,
	},
}

// HTTPClient returns a copy of the client that follows no redirect, so that what a
// request carries goes nowhere else. Nil is a client with a timeout of 30
// seconds that uses no proxy.
func HTTPClient(client *http.Client) *http.Client {
	if client == nil {
		client = own
	}
	still := *client
	still.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &still
}
