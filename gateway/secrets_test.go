package gateway_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/alexaevents/alexaevents"
	"github.com/alexaevents/alexaevents/alexatest"
	"github.com/alexaevents/alexaevents/gateway"
	"github.com/alexaevents/alexaevents/lwa"
)

// requireNoSecrets requires that neither the log nor the error in any form contains
// the codes and tokens of the cloud, the client secret or the body of an event.
func requireNoSecrets(t *testing.T, b *backend, err error) {
	t.Helper()
	marshalled, _ := json.Marshal(err)
	text := b.log.String() + fmt.Sprintf("%v %+v %#v %q %s", err, err, err, err, marshalled)
	for _, secret := range []string{"ANalexatest", "|alexatest", "%7Calexatest", "secret-canary", "home/anna", "powerState"} {
		require.NotContains(t, text, secret)
	}
}

// echo is an error with a given text.
type echo string

func (e echo) Error() string { return string(e) }

// A proxy may repeat the request in a response with the form of Amazon's errors.
func TestEchoedSecretsAreRedacted(t *testing.T) {
	b := newBackend()
	b.link(t, alexaevents.Europe, "home", "anna")
	token := string(b.grant(t, "home", "anna").AccessToken)
	for name, transport := range map[string]roundTrip{
		"response": func(*http.Request) (*http.Response, error) {
			body, err := json.Marshal(map[string]any{"payload": map[string]string{"code": "X_" + token, "description": "token " + token + " " + url.QueryEscape(token)}})
			require.NoError(t, err)
			return &http.Response{StatusCode: 400, Header: http.Header{"X-Amzn-Requestid": {token}}, Body: io.NopCloser(bytes.NewReader(body))}, nil
		},
		"error": func(r *http.Request) (*http.Response, error) {
			return nil, echo("cannot send " + r.Header.Get("Authorization"))
		},
	} {
		t.Run(name, func(t *testing.T) {
			b.sender.HTTPClient = &http.Client{Transport: transport}
			err := b.sender.Send(t.Context(), "home", doorbellPress())
			require.ErrorContains(t, err, "[redacted]")
			requireNoSecrets(t, b, err)
			for e := err; e != nil; e = errors.Unwrap(e) {
				requireNoSecrets(t, b, e)
			}
			var shown echo
			require.NotErrorAs(t, err, &shown, "it contains the token")
		})
	}
}

// The errors of Account and Link may contain the token.
func TestResolverErrorsAreRedacted(t *testing.T) {
	failing := func(_ context.Context, token string) (string, error) {
		return "", fmt.Errorf("GET https://login.example/introspect?token=%s: %s: %w", url.QueryEscape(token), token, errNoSuchToken)
	}
	for name, granter := range map[string]func(*gateway.Granter){
		"Account": func(g *gateway.Granter) { g.Account = failing },
		"Link":    func(g *gateway.Granter) { g.Link = failing },
	} {
		t.Run(name, func(t *testing.T) {
			b := newBackend()
			g := b.granter(alexaevents.Europe)
			granter(g)
			var failure error
			g.Observe = func(_ context.Context, o gateway.GrantObservation) { failure = o.Err }
			response, err := g.AcceptGrant(t.Context(), alexatest.AcceptGrantDirective("ANalexatest", "home/anna/1"))
			require.NoError(t, err)
			require.NotContains(t, string(response), "alexatest")
			require.ErrorIs(t, failure, errNoSuchToken)
			for e := failure; e != nil; e = errors.Unwrap(e) {
				require.NotContains(t, e.Error(), "anna")
			}
			require.EqualError(t, failure, "gateway: Granter."+name+": GET https://login.example/introspect?token=[redacted]: [redacted]: no such token")
			require.NotContains(t, b.log.String(), "anna")
		})
	}
}

// A Sender, a Granter and a Result print no secrets.
func TestNothingPrintsSecrets(t *testing.T) {
	b := newBackend()
	b.link(t, alexaevents.Europe, "home", "anna")
	b.log.text.Reset()
	logger := slog.New(slog.NewJSONHandler(b.log, nil))
	for _, value := range []any{b.sender, b.granter(alexaevents.Europe), gateway.Result{Key: lwa.Key{LinkID: "l"}, Err: gateway.ErrRelink}} {
		logger.Info("value", "value", value)
		_, err := fmt.Fprintf(b.log, "%v %+v %#v %s", value, value, value, value)
		require.NoError(t, err)
	}
	require.NotEmpty(t, b.log.String())
	requireNoSecrets(t, b, nil)
}

// A Granter prints no secrets while it stores a grant.
func TestGranterPrintsNoSecrets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBackend()
		printed := make(chan struct{})
		b.tokens.Client.HTTPClient = &http.Client{Transport: roundTrip(func(*http.Request) (*http.Response, error) {
			<-printed
			return nil, errNoSuchToken
		})}
		granter := b.granter(alexaevents.Europe)
		code := b.cloud.Grant(alexaevents.Europe, "anna")
		var group sync.WaitGroup
		directive := parse(t, string(alexatest.AcceptGrantDirective(code, "home/anna/canary")))
		group.Go(func() { _ = granter.Retry(t.Context(), directive) })
		synctest.Wait()
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x"} {
			text := fmt.Sprintf(verb, granter) + fmt.Sprintf(verb, b.tokens) + fmt.Sprintf(verb, b.sender)
			require.NotContains(t, text, "canary", verb)
			require.NotContains(t, text, code, verb)
		}
		close(printed)
		group.Wait()
	})
}
