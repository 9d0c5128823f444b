package alexatest_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/alexaevents/alexaevents"
	"github.com/alexaevents/alexaevents/alexatest"
	"github.com/alexaevents/alexaevents/lwa"
	"github.com/alexaevents/alexaevents/signature"
	"github.com/alexaevents/alexaevents/sns"
)

func TestRemote(t *testing.T) {
	cloud := alexatest.NewCloud()
	server := httptest.NewServer(cloud)
	defer server.Close()
	remote, err := alexatest.Remote(server.URL)
	require.NoError(t, err)

	body := (&alexatest.Customer{SkillID: skillID}).Enable()
	verifier := &signature.Verifier{Skills: []string{skillID}, Roots: remote.Roots(), HTTPClient: remote.Client()}
	require.NoError(t, verifier.Verify(t.Context(), cloud.NewRequest(url, body).Header, body))

	message, err := io.ReadAll(cloud.NewSNSRequest(url, topicARN, []byte("hello")).Body)
	require.NoError(t, err)
	notices := &sns.Verifier{Topics: []string{topicARN}, Roots: remote.Roots(), Intermediates: remote.Intermediates(), HTTPClient: remote.Client()}
	_, err = notices.Verify(t.Context(), message)
	require.NoError(t, err)

	client := &lwa.Client{ID: "client", Secret: "secret", HTTPClient: remote.Client()}
	_, err = client.Exchange(t.Context(), alexaevents.Secret(cloud.Grant(alexaevents.Europe, "anna")))
	require.NoError(t, err)

	response, err := remote.Client().Get("https://example.com/a%20b?c=d")
	require.NoError(t, err)
	text, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	require.Equal(t, http.StatusNotFound, response.StatusCode)
	require.Contains(t, string(text), "unknown request GET https://example.com/a b")

	for _, fault := range []alexatest.Fault{{Reset: true}, {Truncate: true}} {
		cloud.Fail(fault)
		response, err := remote.Client().Get("https://example.com/")
		if err == nil {
			_, err = io.ReadAll(response.Body)
		}
		require.Error(t, err)
	}
}

func TestRemoteErrors(t *testing.T) {
	other := httptest.NewServer(http.NotFoundHandler())
	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()
	defer other.Close()
	for _, url := range []string{"", "127.0.0.1:4160", "http://", other.URL, gone.URL} {
		_, err := alexatest.Remote(url)
		require.ErrorContains(t, err, "alexatest: no", url)
	}
}

// A TLS server serves each host under its own name.
func TestServeTLS(t *testing.T) {
	cloud := alexatest.NewCloud()
	server := httptest.NewUnstartedServer(cloud)
	server.TLS = &tls.Config{GetCertificate: func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
		leaf := cloud.Leaf(hello.ServerName)
		return &leaf, nil
	}}
	server.StartTLS()
	defer server.Close()
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(cloud.RootPEM())
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}}
	transport.DialContext = func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, server.Listener.Addr().String())
	}
	defer transport.CloseIdleConnections()
	body := (&alexatest.Customer{SkillID: skillID}).Enable()
	verifier := &signature.Verifier{Skills: []string{skillID}, Roots: roots, HTTPClient: &http.Client{Transport: transport}}
	require.NoError(t, verifier.Verify(t.Context(), cloud.NewRequest(url, body).Header, body))
}
