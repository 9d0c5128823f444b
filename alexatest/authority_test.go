package alexatest_test

import (
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/alexaevents/alexaevents"
	"github.com/alexaevents/alexaevents/alexatest"
)

func certificates(t *testing.T, file []byte) (found []*x509.Certificate) {
	for block, rest := pem.Decode(file); block != nil; block, rest = pem.Decode(rest) {
		certificate, err := x509.ParseCertificate(block.Bytes)
		require.NoError(t, err)
		found = append(found, certificate)
	}
	return found
}

// servedFile returns the certificates that Alexa's host serves now.
func servedFile(t *testing.T, cloud *alexatest.Cloud) []*x509.Certificate {
	response, err := cloud.Client().Get(cloud.NewRequest(url, nil).Header.Get("SignatureCertChainUrl"))
	require.NoError(t, err)
	file, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	return certificates(t, file)
}

func TestRootPEM(t *testing.T) {
	cloud := alexatest.NewCloud()
	trusted := certificates(t, cloud.RootPEM())
	require.Len(t, trusted, 2)
	root := x509.NewCertPool()
	root.AddCert(trusted[0])
	require.True(t, root.Equal(cloud.Roots()))

	chain := servedFile(t, cloud)
	for _, certificate := range append(trusted, chain...) {
		require.IsType(t, (*rsa.PublicKey)(nil), certificate.PublicKey, "Amazon's SDK for Node.js reads no other: %s", certificate.Subject)
	}
	require.Len(t, chain, 4)
	for i, issuer := range append(chain[1:], trusted[1]) {
		require.NoError(t, chain[i].CheckSignatureFrom(issuer))
		require.Equal(t, issuer.SubjectKeyId, chain[i].AuthorityKeyId)
	}
	require.NoError(t, trusted[1].CheckSignatureFrom(trusted[1]))
}

// A key takes a tenth of a second or more, so none is generated before it is needed.
func TestKeysAreGeneratedWhenNeeded(t *testing.T) {
	count := alexatest.CountKeys(t)
	cloud := alexatest.NewCloud()
	cloud.Grant(alexaevents.Europe, "anna")
	cloud.Age(time.Hour)
	cloud.Reset()
	require.Zero(t, count.Load())
	cloud.RootPEM()
	require.EqualValues(t, 2, count.Load(), "of the two roots")
	cloud.NewRequest(url, nil)
	require.EqualValues(t, 3, count.Load(), "the one that signs")
	servedFile(t, cloud)
	require.EqualValues(t, 5, count.Load(), "all of a chain")
	cloud.RotateCertificate(time.Hour)
	cloud.NewRequest(url, nil)
	require.EqualValues(t, 6, count.Load())
	restored := alexatest.NewCloud()
	require.NoError(t, restored.Restore(cloud.Snapshot()))
	servedFile(t, restored)
	require.EqualValues(t, 6, count.Load(), "those of the snapshot")
}

func TestKeysAreGeneratedOnce(t *testing.T) {
	count := alexatest.CountKeys(t)
	cloud := alexatest.NewCloud()
	body := (&alexatest.Customer{SkillID: skillID}).Enable()
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() { cloud.Snapshot() })
		all.Go(func() { cloud.Leaf("api.amazon.com") })
		all.Go(func() { cloud.Age(time.Second) })
		all.Go(func() {
			if err := newVerifier(cloud).Verify(t.Context(), cloud.NewRequest(url, body).Header, body); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	require.EqualValues(t, 5, count.Load())
}

func BenchmarkNewCloud(b *testing.B) {
	b.Run("without a request", func(b *testing.B) {
		for b.Loop() {
			alexatest.NewCloud()
		}
	})
	b.Run("first signed request", func(b *testing.B) {
		for b.Loop() {
			alexatest.CountKeys(b) // new ones
			cloud := alexatest.NewCloud()
			cloud.NewRequest(url, nil)
			cloud.Snapshot() // with all certificates
		}
	})
}

func TestShortenChains(t *testing.T) {
	cloud := alexatest.NewCloud()
	body := (&alexatest.Customer{SkillID: skillID}).Enable()
	for length, short := range map[int]bool{2: true, 4: false} {
		cloud.ShortenChains(short)
		require.Len(t, servedFile(t, cloud), length)
		require.NoError(t, newVerifier(cloud).Verify(t.Context(), cloud.NewRequest(url, body).Header, body))
	}
}

func TestLeaf(t *testing.T) {
	cloud := alexatest.NewCloud()
	server := httptest.NewUnstartedServer(http.NotFoundHandler())
	server.TLS = &tls.Config{Certificates: []tls.Certificate{cloud.Leaf("api.amazon.com")}}
	server.StartTLS()
	defer server.Close()
	for name, valid := range map[string]bool{"api.amazon.com": true, "api.amazon.co.uk": false} {
		connection, err := tls.Dial("tcp", server.Listener.Addr().String(), &tls.Config{RootCAs: cloud.Roots(), ServerName: name})
		require.Equal(t, valid, err == nil, name)
		if err == nil {
			require.WithinDuration(t, time.Now().Add(90*24*time.Hour), connection.ConnectionState().PeerCertificates[0].NotAfter, time.Minute)
			require.NoError(t, connection.Close())
		}
	}
}
