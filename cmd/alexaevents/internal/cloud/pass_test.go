package cloud

import (
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/alexaevents/alexaevents/alexatest"
)

// aws is a stand-in for the real AWS, which responds with the request.
func aws(t *testing.T) http.RoundTripper {
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusTeapot)
		_ = r.Write(w)
	}))
	t.Cleanup(server.Close)
	return &http.Transport{
		TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, // the server has no certificate of AWS
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, server.Listener.Addr().String())
		},
	}
}

func TestPass(t *testing.T) {
	const topic = "arn:aws:sns:eu-west-1:000011112222:alexa"
	r := start(t, Config{Pass: true, realAWS: aws(t)})
	r.amazon.SetTopic(alexatest.Topic{ARN: topic})
	certificate := r.amazon.NewRequest("https://backend.example/", nil).Header.Get("SignatureCertChainUrl")
	s3, sns := "https://s3.amazonaws.com/", "https://sns.eu-west-1.amazonaws.com/"
	long := strings.Repeat("x", 2<<20)
	for _, test := range []struct {
		method, url, body string
		want              string // what AWS gets, or the cloud responds
	}{
		{"GET", s3 + "echo.api/echo-api-cert-99.pem", "", "GET /echo.api/echo-api-cert-99.pem HTTP/1.1\r\nHost: s3.amazonaws.com\r\n"},
		{"PUT", s3 + "bucket/a%2Fb?x-id=PutObject", long, "PUT /bucket/a%2Fb?x-id=PutObject HTTP/1.1\r\nHost: s3.amazonaws.com\r\n"},
		{"POST", sns, "Action=Publish", "\r\n\r\nAction=Publish"},
		{"GET", sns + "?Action=ConfirmSubscription&Token=t&TopicArn=" + topic + "s", "", "Host: sns.eu-west-1.amazonaws.com\r\n"},

		{"GET", certificate, "", "-----BEGIN"},
		{"GET", sns + "?Action=ConfirmSubscription&Token=t&TopicArn=" + topic, "", "<ErrorResponse"},
		{"GET", sns + "?Action=Unsubscribe&SubscriptionArn=" + topic + ":1", "", "<ErrorResponse"},
		{"GET", "https://api.amazon.com/unknown", "", "alexatest: unknown request"},
	} {
		byPath := r.url + "/" + strings.TrimPrefix(test.url, "https://")
		for to, client := range map[string]*http.Client{test.url: r.proxied(t), byPath: http.DefaultClient} {
			request, err := http.NewRequest(test.method, to, strings.NewReader(test.body))
			require.NoError(t, err)
			request.Header.Set("Authorization", "AWS4-HMAC-SHA256")
			response, err := client.Do(request)
			require.NoError(t, err)
			body, err := io.ReadAll(response.Body)
			require.NoError(t, err)
			require.Contains(t, string(body), test.want, to)
			if response.StatusCode == http.StatusTeapot {
				require.Contains(t, string(body), "Authorization: AWS4-HMAC-SHA256\r\n")
				require.NotContains(t, string(body), "Forwarded")
			}
		}
	}
	require.Len(t, r.journal.find(t.Context(), Filter{}, 0), 8, "what was passed may hold credentials")
}

func TestPassWithoutNetwork(t *testing.T) {
	r := start(t, Config{Pass: true, realAWS: &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) {
		return nil, io.ErrUnexpectedEOF
	}}})
	response, err := r.proxied(t).Get("https://s3.amazonaws.com/bucket/key")
	require.NoError(t, err)
	require.Equal(t, http.StatusBadGateway, response.StatusCode)
}
