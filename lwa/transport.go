package lwa

import (
	"errors"
	"io"
	"net/http"

	"github.com/alexaevents/alexaevents"
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
	// The connection is fit for the next request once the answer is read.
	_, _ = io.CopyN(io.Discard, response.Body, maxAnswer)
	response.Body.Close()

	token, err = t.source.Renew(request.Context(), t.key, token)
	if err != nil {
		return nil, err
	}
	body := request.Body
	if request.GetBody != nil {
		if body, err = request.GetBody(); err != nil {
			return nil, err
		}
	}
	return t.send(request, body, token)
}

func (t *transport) token(request *http.Request) (alexaevents.Secret, error) {
	if request.URL.Scheme != "https" {
		return "", errors.New("lwa: an access token is sent to https URLs only")
	}
	return t.source.Token(request.Context(), t.key)
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
