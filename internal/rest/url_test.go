package rest_test

import (
	"net/http"
	"net/url"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/alexaevents/alexaevents/internal/rest"
)

func TestSegment(t *testing.T) {
	for id, want := range map[string]string{
		"amzn1.ask-subscriber.1": "amzn1.ask-subscriber.1", "a/b": "a%2Fb", "../x": "..%2Fx", "a?b#c": "a%3Fb%23c", "...": "...", "%2e": "%252e",
	} {
		got, ok := rest.Segment(id)
		require.True(t, ok, id)
		require.Equal(t, want, got)
	}
	for _, id := range []string{"", ".", ".."} {
		_, ok := rest.Segment(id)
		require.False(t, ok, id)
	}
}

func TestLocationID(t *testing.T) {
	for location, want := range map[string]string{
		"/v0/things/amzn1.1": "amzn1.1", "/v0/things/amzn1.1/": "amzn1.1", "amzn1.1": "amzn1.1", "https://api.example/v0/things/amzn1.1?x=y#z": "amzn1.1",
		"": "", "/": "", "https://api.example": "", "https://api.example/": "", "?x": "", "%zz": "", "a:b": "",
	} {
		answer := rest.Answer{Header: http.Header{"Location": {location}}}
		require.Equal(t, want, answer.LocationID(), location)
	}
	require.Empty(t, new(rest.Answer).LocationID())
}

func TestPageQuery(t *testing.T) {
	for _, test := range []struct {
		size  int
		token string
		want  string
	}{
		{0, "", "a=b"}, {-1, "", "a=b"}, {7, "", "a=b&maxResults=7"}, {0, "x y", "a=b&nextToken=x+y"}, {7, "t", "a=b&maxResults=7&nextToken=t"},
	} {
		require.Equal(t, test.want, rest.PageQuery(url.Values{"a": {"b"}}, test.size, test.token).Encode())
	}
}
