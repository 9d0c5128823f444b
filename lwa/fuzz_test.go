package lwa_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"
	"unicode"

	"github.com/stretchr/testify/require"

	"github.com/alexaevents/alexaevents/lwa"
)

// FuzzAnswer gives any answer to a refresh: either it has a token, or the error
// says so in one short line without what was sent.
func FuzzAnswer(f *testing.F) {
	f.Add(200, "application/json", `{"access_token":"Atza|1","token_type":"bearer","expires_in":3600,"refresh_token":"Atzr|2"}`)
	f.Add(200, "text/plain", `access_token=Atza%7C1&expires_in=3600`)
	f.Add(200, "application/json", `{"access_token":"Atza|1","expires_in":"3600","scope":null}`)
	f.Add(200, "", `{"access_token":"Atza|1","expires_in":1e400}`)
	f.Add(400, "application/json", `{"error":"invalid_grant","error_description":"Atzr|the-sent-token","request_id":"1"}`)
	f.Add(503, "text/html", `<html>`)
	f.Add(302, "", ``)
	f.Fuzz(func(t *testing.T, status int, contentType, body string) {
		const sent = "Atzr|the-sent-token"
		client := clientOf(func(*http.Request) (*http.Response, error) {
			response := answer(status, body)
			response.Header.Set("Content-Type", contentType)
			return response, nil
		})
		token, err := client.Refresh(t.Context(), sent)
		if err == nil {
			var members map[string]json.RawMessage
			require.NoError(t, json.Unmarshal([]byte(body), &members))
			require.True(t, status >= 200 && status <= 299)
			require.NotEmpty(t, token.AccessToken)
			require.NotEmpty(t, token.RefreshToken)
			require.GreaterOrEqual(t, token.ExpiresIn, lwa.Token{}.ExpiresIn)
			return
		}
		require.Zero(t, token)
		var refusal *lwa.Error
		require.ErrorAs(t, err, &refusal)
		require.Equal(t, refusal.Code == "invalid_grant", errors.Is(err, lwa.ErrInvalidGrant))
		require.False(t, errors.Is(err, lwa.ErrInvalidGrant) && errors.Is(err, lwa.ErrUnavailable))
		require.NotContains(t, err.Error(), sent)
		require.NotContains(t, err.Error(), clientSecret)
		require.Equal(t, -1, strings.IndexFunc(err.Error(), func(r rune) bool { return !unicode.IsPrint(r) }))
		require.Less(t, len(err.Error()), 8<<10)
	})
}
