package alexatest

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/alexaevents/alexaevents"
)

// Cloud simulates Amazon. Create one with [NewCloud]. It is safe for concurrent use.
type Cloud struct {
	// Observe is called after each request of or to the cloud, for a journal. Set it
	// before the first request. Nil disables it.
	Observe func(context.Context, Call)

	root atomic.Pointer[authority]

	mu       sync.Mutex
	calls    []string // URL of each request, without query
	faults   []*Fault
	signing  signer                      // signs for Alexa
	validFor time.Duration               // lifetime of certificates for SNS
	short    bool                        // whether certificate files end with the intermediate
	served   map[string]*certificateFile // by URL
	files    int                         // number of certificate files so far
	login    login
	gateways gateways
	sns      sns

	apis      []*api
	smapi     smapi
	messenger eventMessenger
	endpoints propertyEndpoints
}

// NewCloud returns a cloud whose certificates are valid for ten years. Their keys, which
// all clouds of a process share, are generated when they are first needed.
func NewCloud() *Cloud {
	c := &Cloud{served: make(map[string]*certificateFile), login: newLogin(), sns: newSNS()}
	c.root.Store(commonAuthority)
	c.apis = append(c.newSMAPI(), c.newEventMessenger(), c.newPropertyEndpoints())
	c.RotateCertificate(10 * year)
	return c
}

const year = 365 * 24 * time.Hour

// Client returns an HTTP client whose requests go only to the cloud. Give it to the
// code under test.
func (c *Cloud) Client() *http.Client { return &http.Client{Transport: c} }

// Roots returns the root certificate of the cloud, for signature.Verifier.Roots and
// sns.Verifier.Roots.
func (c *Cloud) Roots() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(c.root.Load().root())
	return pool
}

// Intermediates returns the intermediate certificate between [Cloud.Roots] and the
// certificates of SNS, for sns.Verifier.Intermediates. SNS does not serve it.
func (c *Cloud) Intermediates() []*x509.Certificate {
	return []*x509.Certificate{c.root.Load().intermediate.certificate()}
}

// RootPEM returns the certificates that a backend in another process must trust, as a
// PEM file: the root, and the oldest root, since Amazon's SDK for Node.js wants the
// issuer of the last certificate in a file.
func (c *Cloud) RootPEM() []byte {
	return c.root.Load().rootPEM()
}

// Leaf returns a certificate for a host name with its key, for a TLS server that
// stands in for the host. It is valid for 90 days, and clients accept it that trust
// [Cloud.RootPEM].
func (c *Cloud) Leaf(host string) tls.Certificate {
	key, root := leafKeys[0], c.root.Load()
	leaf := root.leaf(key, host, 90*24*time.Hour)()
	return tls.Certificate{Certificate: [][]byte{leaf.Raw, root.intermediate.certificate().Raw}, PrivateKey: key.private(), Leaf: leaf}
}

// Calls returns the number of requests to URLs with the prefix, such as
// "https://api.amazon.com/".
func (c *Cloud) Calls(prefix string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := 0
	for _, url := range c.calls {
		if strings.HasPrefix(url, prefix) {
			n++
		}
	}
	return n
}

// Call is one request with its response. Its headers and bodies hold tokens.
type Call struct {
	Method   string
	URL      string
	Header   http.Header
	Body     []byte
	Customer string // customer of a valid access token; empty without one

	Status       int // zero without a response
	ResponseBody []byte
	Duration     time.Duration
	Err          error // what broke the connection

	// Delivery is true for a request of SNS to an endpoint, false for a request to
	// Amazon.
	Delivery bool
}

// RoundTrip implements [http.RoundTripper]. For an unknown host or path the response
// has status 404, and its body says so.
func (c *Cloud) RoundTrip(r *http.Request) (*http.Response, error) {
	var body []byte
	if r.Body != nil {
		var err error
		body, err = io.ReadAll(r.Body)
		if err = errors.Join(err, r.Body.Close()); err != nil {
			return nil, err
		}
	}
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	start := time.Now()
	response, err := c.roundTrip(r, body)
	if c.Observe == nil {
		return response, err
	}
	call := Call{Method: r.Method, URL: r.URL.String(), Header: r.Header, Body: body, Duration: time.Since(start), Err: err}
	if err == nil {
		call.Status = response.StatusCode
		call.ResponseBody, call.Err = io.ReadAll(response.Body)
		var rest io.Reader = bytes.NewReader(call.ResponseBody)
		if call.Err != nil {
			rest = io.MultiReader(rest, broken{})
		}
		response.Body = io.NopCloser(rest)
	}
	c.mu.Lock()
	if a := c.login.authorized(strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")); a != nil {
		call.Customer = a.customer
	}
	c.mu.Unlock()
	c.Observe(r.Context(), call)
	return response, err
}

func (c *Cloud) roundTrip(r *http.Request, body []byte) (*http.Response, error) {
	url := "https://" + r.URL.Host + r.URL.Path
	if r.URL.Scheme != "https" {
		url = r.URL.Scheme + "://" + r.URL.Host + r.URL.Path
	}
	c.mu.Lock()
	c.calls = append(c.calls, url)
	fault := c.takeFault(url)
	c.mu.Unlock()
	if fault != nil {
		return fault.apply(r, func() *http.Response { return c.respond(r, url, body) })
	}
	return c.respond(r, url, body), nil
}

func (c *Cloud) respond(r *http.Request, url string, body []byte) *http.Response {
	defer c.lock()()
	if response := c.find(r, url, body); response != nil {
		return response
	}
	return respond(r, http.StatusNotFound, "text/plain", fmt.Appendf(nil, "alexatest: unknown request %s %s\n", r.Method, url))
}

// find returns the response of the host, nil for an unknown request. The lock is
// held.
func (c *Cloud) find(r *http.Request, url string, body []byte) *http.Response {
	if file, ok := c.served[url]; ok && r.Method == http.MethodGet {
		return respond(r, http.StatusOK, "application/x-pem-file", file.pem())
	}
	switch host := "https://" + r.URL.Host; {
	case host == loginURL:
		return c.login.respond(r, body)
	case r.URL.Path == "/v3/events" && slices.Contains(gatewayURLs, host):
		return c.gateways.respond(r, body, &c.login)
	case slices.Contains(gatewayURLs, host):
		return c.respondAPI(r, body)
	case strings.HasPrefix(host, "https://sns."):
		return c.respondSNS(r)
	}
	return nil
}

var gatewayURLs = []string{
	alexaevents.NorthAmerica.APIEndpoint(), alexaevents.Europe.APIEndpoint(), alexaevents.FarEast.APIEndpoint(),
}

func respond(r *http.Request, status int, contentType string, body []byte) *http.Response {
	return &http.Response{
		Status:     fmt.Sprintf("%d %s", status, http.StatusText(status)),
		StatusCode: status,
		Proto:      "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header:        http.Header{"Content-Type": {contentType}},
		Body:          io.NopCloser(bytes.NewReader(body)),
		ContentLength: int64(len(body)),
		Request:       r,
	}
}

func respondJSON(r *http.Request, status int, value any) *http.Response {
	body, err := json.Marshal(value)
	must(err)
	return respond(r, status, "application/json", body)
}

type members = map[string]any
