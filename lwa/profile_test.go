package lwa_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/alexaevents/alexaevents"
	"github.com/alexaevents/alexaevents/lwa"
)

func TestProfile(t *testing.T) {
	var got *http.Request
	client := clientOf(func(r *http.Request) (*http.Response, error) {
		got = r
		return respond(200, `{"user_id":"amzn1.account.K1","name":"Ada","email":"ada@example.com","postal_code":"98052","new":1}`), nil
	})
	profile, err := client.Profile(t.Context(), "Atza|1")
	require.NoError(t, err)
	require.Equal(t, lwa.Profile{UserID: "amzn1.account.K1", Name: "Ada", Email: "ada@example.com", PostalCode: "98052"}, profile)
	require.Equal(t, "GET https://api.amazon.com/user/profile", got.Method+" "+got.URL.String())
	require.Equal(t, "Bearer Atza|1", got.Header.Get("Authorization"))

	profile, err = always(200, `{"user_id":"amzn1.account.K1"}`).Profile(t.Context(), "Atza|1")
	require.NoError(t, err)
	require.Equal(t, lwa.Profile{UserID: "amzn1.account.K1"}, profile)
}

func TestTokenInfo(t *testing.T) {
	var got *http.Request
	client := clientOf(func(r *http.Request) (*http.Response, error) {
		got = r
		return respond(200, `{"aud":"`+clientID+`","user_id":"amzn1.account.K1","app_id":"amzn1.application.1","exp":60}`), nil
	})
	info, err := client.TokenInfo(t.Context(), "Atza|1&aud=x")
	require.NoError(t, err)
	require.Equal(t, lwa.TokenInfo{ClientID: clientID, UserID: "amzn1.account.K1", AppID: "amzn1.application.1", ExpiresIn: time.Minute}, info)
	require.Equal(t, "GET https://api.amazon.com/auth/o2/tokeninfo?access_token=Atza%7C1%26aud%3Dx", got.Method+" "+got.URL.String())

	for body, want := range map[string]time.Duration{
		`{"aud":"` + clientID + `","exp":"60"}`:                time.Minute,
		`{"aud":"` + clientID + `","exp":-5}`:                  0,
		`{"aud":"` + clientID + `"}`:                           0,
		`{"aud":"` + clientID + `","exp":12345.25}`:            12345250 * time.Millisecond,
		`{"aud":"` + clientID + `","exp":9223372036854775807}`: 0,
	} {
		info, err := always(200, body).TokenInfo(t.Context(), "Atza|1")
		require.NoError(t, err)
		require.Equal(t, want, info.ExpiresIn, body)
	}
}

// A token of another client identifies no user.
func TestAudience(t *testing.T) {
	for body, other := range map[string]string{
		`{"aud":"amzn1.application-oa2-client.evil","user_id":"amzn1.account.K1","exp":60}`: "amzn1.application-oa2-client.evil",
		`{"aud":"","user_id":"amzn1.account.K1"}`:                                           "",
		`{"user_id":"amzn1.account.K1"}`:                                                    "",
		`{}`:                                                                                "",
		`{"aud":"` + clientID + `x"}`:                                                       clientID + "x",
	} {
		info, err := always(200, body).TokenInfo(t.Context(), "Atza|1")
		require.ErrorIs(t, err, lwa.ErrAudience, body)
		require.Equal(t, lwa.TokenInfo{ClientID: other}, info)
	}
}

func TestProfileErrors(t *testing.T) {
	for _, test := range []struct {
		name   string
		status int
		body   string
		is     error
		code   string
	}{
		{name: "an expired token", status: 400, body: `{"error":"invalid_token","error_description":"d"}`, code: "invalid_token"},
		{name: "a token without the scope", status: 403, body: `{"error":"insufficient_scope"}`, code: "insufficient_scope"},
		{name: "HTML", status: 200, body: `<html>`, is: alexaevents.ErrTemporary},
		{name: "a list", status: 200, body: `[]`, is: alexaevents.ErrTemporary},
		{name: "members of other types", status: 200, body: `{"user_id":1,"aud":2}`, is: alexaevents.ErrTemporary},
		{name: "an outage", status: 503, is: alexaevents.ErrTemporary},
	} {
		t.Run(test.name, func(t *testing.T) {
			client := always(test.status, test.body)
			_, profileErr := client.Profile(t.Context(), "Atza|1")
			_, infoErr := client.TokenInfo(t.Context(), "Atza|1")
			for _, err := range []error{profileErr, infoErr} {
				var refusal *lwa.Error
				require.ErrorAs(t, err, &refusal)
				require.Equal(t, test.code, refusal.Code)
				if test.is != nil {
					require.ErrorIs(t, err, test.is)
				}
			}
		})
	}
	_, err := always(200, `{}`).Profile(t.Context(), "Atza|1")
	require.ErrorIs(t, err, alexaevents.ErrTemporary, "a profile without user ID")
}
