package lwa

import (
	"errors"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/alexaevents/alexaevents"
	"github.com/alexaevents/alexaevents/internal/rest"
)

// transport adds the access token of a grant to requests.
type transport struct {
	base   http.RoundTripper
	source *Source
	key    Key
}

// RoundTrip implements [http.RoundTripper].
func (t *transport) RoundTrip(request *http.Request) (*http.Response, error) {
	token, err := t.token(request)
	if err != nil {
		if request.Body != nil {
			request.Body.Close()
		}
		return nil, err
	}
	response, err := t.send(request, request.Body, token)
	replayable := request.Body == nil || request.Body == http.NoBody || request.GetBody != nil
	if err != nil || response.StatusCode != http.StatusUnauthorized || !replayable {
		return response, err
	}
	renewed, err := t.source.Renew(request.Context(), t.key, token)
	if err == nil && renewed == token {
		return response, nil // there is no other token
	}
	// The connection can be reused only after the body was read.
	_, _ = io.CopyN(io.Discard, response.Body, maxResponse)
	response.Body.Close()
	if err != nil {
		return nil, err
	}
	body := request.Body
	if request.GetBody != nil {
		if body, err = request.GetBody(); err != nil {
			return nil, err
		}
	}
	return t.send(request, body, renewed)
}

// apiHosts are the hosts of Amazon's APIs for developers.
var apiHosts = []string{
	"api.amazonalexa.com", "api.eu.amazonalexa.com", "api.fe.amazonalexa.com",
	"api.amazon.com", "api.amazon.co.uk", "api.amazon.co.jp",
}

func (t *transport) token(request *http.Request) (alexaevents.Secret, error) {
	switch host, _ := strings.CutSuffix(strings.ToLower(request.URL.Host), ":443"); {
	case request.URL.Scheme != "https":
		return "", errors.New("lwa: access tokens are sent only to https URLs")
	case !slices.Contains(apiHosts, host) && !t.isOwn(request.URL.Host):
		return "", errors.New("lwa: access tokens are sent only to Amazon's API hosts")
	}
	return t.source.Token(request.Context(), t.key)
}

// isOwn reports whether the host is that of Client.APIURL.
func (t *transport) isOwn(host string) bool {
	if t.source.Client == nil {
		return false
	}
	own, err := url.Parse(t.source.Client.apiURL())
	return err == nil && own.Host == host
}

func (t *transport) send(request *http.Request, body io.ReadCloser, token alexaevents.Secret) (*http.Response, error) {
	base := t.base
	if base == nil {
		base = http.DefaultTransport
	}
	request = request.Clone(request.Context())
	request.Body = body
	request.Header.Set("Authorization", "Bearer "+string(token))
	return base.RoundTrip(request)
}

// HTTPClient returns an HTTP client for Amazon's APIs that adds an access token to
// each request. The token is of the account's own grant, the one with an empty
// LinkID. After a response with status 401, the request is sent once more with a
// new token if its body can be read again. Requests go only to https URLs of
// Amazon's API hosts and of Client.APIURL; any other request is an error.
// Redirects are not followed. Client.HTTPClient makes the requests. The errors
// include those of [Source.Token].
func (s *Source) HTTPClient(accountID string) *http.Client {
	key := Key{AccountID: accountID}
	var base *http.Client
	if s.Client != nil { // otherwise check fails
		key.ClientID = s.Client.ID
		base = s.Client.HTTPClient
	}
	client := rest.HTTPClient(base)
	client.Transport = &transport{base: client.Transport, source: s, key: key}
	return client
}
