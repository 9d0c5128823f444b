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

// amazon is the fake Amazon. The backend is another process, so it reaches the
// cloud through a proxy on a loopback address, which stands for all of Amazon's hosts;
// see amazonAt.
type amazon struct {
	*alexatest.Cloud
	server *httptest.Server
	client *http.Client // delivers events and requests
}

func startAmazon() *amazon {
	cloud := alexatest.NewCloud()
	proxy := &httputil.ReverseProxy{
		Transport: cloud,
		Rewrite: func(r *httputil.ProxyRequest) {
			r.Out.URL.Scheme, r.Out.URL.Host = "https", r.In.Host
		},
		ErrorHandler: func(http.ResponseWriter, *http.Request, error) {
			panic(http.ErrAbortHandler) // closes the connection, as the cloud did
		},
	}
	return &amazon{
		Cloud:  cloud,
		server: httptest.NewServer(proxy),
		client: &http.Client{Timeout: 8 * time.Second}, // as Alexa
	}
}

func (a *amazon) address() string { return a.server.Listener.Addr().String() }

// post signs the body and delivers it.
func (a *amazon) post(ctx context.Context, url string, body []byte) (status int, response []byte, err error) {
	return a.send(ctx, a.NewRequest(url, body))
}

func (a *amazon) send(ctx context.Context, request *http.Request) (status int, response []byte, err error) {
	r, err := a.client.Do(request.WithContext(ctx))
	if err != nil {
		return 0, nil, err
	}
	defer r.Body.Close()
	response, err = io.ReadAll(r.Body)
	return r.StatusCode, response, err
}
