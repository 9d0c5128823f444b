package main

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"time"

	"github.com/alexaevents/alexaevents/alexatest"
)

// amazon is the Amazon of this machine. The cloud lives in the memory of this
// process, and the backend in another one: so a server on a loopback address
// answers the backend for all of Amazon's hosts, see amazonAt.
type amazon struct {
	*alexatest.Cloud
	server *httptest.Server
	client *http.Client // delivers
}

func startAmazon() *amazon {
	cloud := alexatest.NewCloud()
	proxy := &httputil.ReverseProxy{
		Transport: cloud,
		Rewrite: func(r *httputil.ProxyRequest) {
			r.Out.URL.Scheme, r.Out.URL.Host = "https", r.In.Host
		},
		ErrorHandler: func(http.ResponseWriter, *http.Request, error) {
			panic(http.ErrAbortHandler) // a connection that the cloud breaks, breaks
		},
	}
	return &amazon{
		Cloud:  cloud,
		server: httptest.NewServer(proxy),
		client: &http.Client{Timeout: 8 * time.Second}, // as long as Alexa waits
	}
}

func (a *amazon) address() string { return a.server.Listener.Addr().String() }

// post signs the body and delivers it.
func (a *amazon) post(ctx context.Context, url string, body []byte) (status int, answer []byte, err error) {
	return a.send(ctx, a.NewRequest(url, body))
}

func (a *amazon) send(ctx context.Context, request *http.Request) (status int, answer []byte, err error) {
	response, err := a.client.Do(request.WithContext(ctx))
	if err != nil {
		return 0, nil, err
	}
	defer response.Body.Close()
	answer, err = io.ReadAll(response.Body)
	return response.StatusCode, answer, err
}
