package alexatest_test

import (
	"context"
	"io"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/alexaevents/alexaevents"
	"github.com/alexaevents/alexaevents/alexatest"
)

func TestFaultResponses(t *testing.T) {
	for _, test := range []struct {
		name        string
		url         string
		fault       alexatest.Fault
		contentType string
		body        string // in it
	}{
		{"LWA", tokenURL, alexatest.Fault{Status: 400, Code: "invalid_scope"}, "application/json", `"error":"invalid_scope"`},
		{"gateway", gatewayURL, alexatest.Fault{Status: 429, Code: "THROTTLING_EXCEPTION"}, "application/json", `"code":"THROTTLING_EXCEPTION"`},
		{"no code", gatewayURL, alexatest.Fault{Status: 503}, "text/plain", ""},
		{"empty", gatewayURL, alexatest.Fault{Status: 204}, "text/plain", ""},
		{"HTML", gatewayURL, alexatest.Fault{Status: 502, Body: "<html>"}, "text/html", "<html>"},
		{"header", gatewayURL, alexatest.Fault{Status: 429, Header: http.Header{"retry-after": {"7"}}}, "text/plain", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			cloud := alexatest.NewCloud()
			cloud.Fail(test.fault)
			response, err := cloud.Client().Post(test.url, "text/plain", nil)
			require.NoError(t, err)
			require.Equal(t, test.fault.Status, response.StatusCode)
			require.Equal(t, test.contentType, response.Header.Get("Content-Type"))
			body, err := io.ReadAll(response.Body)
			require.NoError(t, err)
			require.Contains(t, string(body), test.body)
			require.Equal(t, test.body == "", len(body) == 0)
			if test.fault.Header != nil {
				require.Equal(t, "7", response.Header.Get("Retry-After"))
			}
			require.Equal(t, 1, cloud.Calls(test.url))
		})
	}
	for _, fault := range []alexatest.Fault{{Code: "x"}, {Body: "x"}, {Header: http.Header{}}} {
		require.Panics(t, func() { alexatest.NewCloud().Fail(fault) })
	}
}

func TestFaultsInOrder(t *testing.T) {
	cloud := alexatest.NewCloud()
	statuses := func(n int) (got []int) {
		for range n {
			response, err := cloud.Client().Get("https://example.com/")
			require.NoError(t, err)
			got = append(got, response.StatusCode)
		}
		return got
	}
	cloud.Fail(alexatest.Fault{URL: loginURL, Status: 500, Times: -1})
	cloud.Fail(alexatest.Fault{Status: 503, Times: 2})
	cloud.Fail(alexatest.Fault{URL: "https://example.com/", Status: 429})
	require.Equal(t, []int{503, 503, 429, 404}, statuses(4))
	cloud.Fail(alexatest.Fault{Status: 500, Times: -1})
	require.Equal(t, []int{500, 500, 500}, statuses(3))
	cloud.Heal()
	require.Equal(t, []int{404}, statuses(1))
}

func TestFaultConnections(t *testing.T) {
	cloud := alexatest.NewCloud()
	token := granted(t, cloud, alexaevents.Europe, "customer").AccessToken
	post := func(fault alexatest.Fault) (string, error) {
		cloud.Fail(fault)
		r, err := http.NewRequest(http.MethodPost, gatewayURL, strings.NewReader(strings.ReplaceAll(report, "TOKEN", token)))
		require.NoError(t, err)
		r.Header.Set("Authorization", "Bearer "+token)
		response, err := cloud.Client().Do(r)
		if err != nil {
			return "", err
		}
		body, err := io.ReadAll(response.Body)
		return string(body), err
	}
	_, err := post(alexatest.Fault{Reset: true})
	require.ErrorIs(t, err, syscall.ECONNRESET)
	require.Empty(t, cloud.Sent(), "before it has any effect")

	_, err = post(alexatest.Fault{Lost: true})
	require.ErrorIs(t, err, syscall.ECONNRESET)
	require.Len(t, cloud.Sent(), 1)

	_, err = post(alexatest.Fault{Truncate: true})
	require.ErrorIs(t, err, io.ErrUnexpectedEOF)
	require.Len(t, cloud.Sent(), 2)

	body, err := post(alexatest.Fault{Truncate: true, Status: 502, Body: "0123456789"})
	require.ErrorIs(t, err, io.ErrUnexpectedEOF)
	require.Equal(t, "01234", body)
	require.Len(t, cloud.Sent(), 2, "the response is replaced")
}

func TestFaultDelays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cloud := alexatest.NewCloud()
		get := func(ctx context.Context) (time.Duration, error) {
			cloud.Fail(alexatest.Fault{Delay: time.Minute})
			start := time.Now()
			r, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://example.com/", nil)
			require.NoError(t, err)
			_, err = cloud.Client().Do(r)
			return time.Since(start), err
		}
		waited, err := get(t.Context())
		require.NoError(t, err)
		require.Equal(t, time.Minute, waited)

		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		waited, err = get(ctx)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Equal(t, time.Second, waited)
	})
}
