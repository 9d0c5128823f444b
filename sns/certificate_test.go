package sns_test

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/alexaevents/alexaevents/internal/certs/certstest"
	"github.com/alexaevents/alexaevents/sns"
)

func TestCertificate(t *testing.T) {
	for name, test := range map[string]struct {
		change func(*certstest.PKI)
		want   error
	}{
		"genuine":                  {func(*certstest.PKI) {}, nil},
		"expired":                  {func(p *certstest.PKI) { p.Leaf.NotAfter = now.Add(-time.Second) }, sns.ErrCertificate},
		"not yet valid":            {func(p *certstest.PKI) { p.Leaf.NotBefore = now.Add(time.Second) }, sns.ErrCertificate},
		"valid at the last second": {func(p *certstest.PKI) { p.Leaf.NotAfter = now }, nil},
		"no name":                  {func(p *certstest.PKI) { p.Leaf.DNSNames = nil }, sns.ErrCertificate},
		"another name":             {func(p *certstest.PKI) { p.Leaf.DNSNames = []string{"sqs.amazonaws.com"} }, sns.ErrCertificate},
		"a wildcard":               {func(p *certstest.PKI) { p.Leaf.DNSNames = []string{"*.amazonaws.com"} }, sns.ErrCertificate},
		"a host's name":            {func(p *certstest.PKI) { p.Leaf.DNSNames = []string{"sns.us-east-2.amazonaws.com"} }, sns.ErrCertificate},
		"another region's name":    {func(p *certstest.PKI) { p.Leaf.DNSNames = []string{"sns-signing.me-south-1.amazonaws.com"} }, sns.ErrCertificate},
		"one name of several":      {func(p *certstest.PKI) { p.Leaf.DNSNames = []string{"a.example", "sns.amazonaws.com"} }, nil},
		"ECDSA":                    {func(p *certstest.PKI) { p.Key = certstest.NewECDSAKey() }, sns.ErrCertificate},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPKI()
			test.change(p)
			leaf, intermediate, root := p.Issue()
			alone := newBench()
			alone.amazon.file = certstest.PEM(leaf)
			require.ErrorIs(t, alone.verify(notification()), test.want)

			chained := newBench()
			chained.amazon.file = certstest.PEM(leaf)
			chained.Roots, chained.Intermediates = certstest.Pool(root), []*x509.Certificate{intermediate}
			require.ErrorIs(t, chained.verify(notification()), test.want)
		})
	}
}

func TestChain(t *testing.T) {
	leaf, intermediate, root := newPKI().Issue()
	_, _, otherRoot := newPKI().Issue()
	expiring := newPKI()
	expiring.Intermediate.NotAfter = now.Add(-time.Second)
	ofExpired, expired, itsRoot := expiring.Issue()
	otherUsage := newPKI()
	otherUsage.Leaf.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageCodeSigning}
	coder, codersIntermediate, codersRoot := otherUsage.Issue()
	for name, test := range map[string]struct {
		served        []byte
		intermediates []*x509.Certificate
		roots         *x509.CertPool
		want          error
	}{
		"no chain asked for":           {certstest.PEM(leaf), nil, nil, nil},
		"complete":                     {certstest.PEM(leaf), []*x509.Certificate{intermediate}, certstest.Pool(root), nil},
		"served":                       {certstest.PEM(leaf, intermediate), nil, certstest.Pool(root), nil},
		"one intermediate of several":  {certstest.PEM(leaf), []*x509.Certificate{otherRoot, intermediate}, certstest.Pool(root), nil},
		"no intermediate":              {certstest.PEM(leaf), nil, certstest.Pool(root), sns.ErrCertificate},
		"another root":                 {certstest.PEM(leaf), []*x509.Certificate{intermediate}, certstest.Pool(otherRoot), sns.ErrCertificate},
		"the root as an intermediate":  {certstest.PEM(leaf), []*x509.Certificate{intermediate, root}, certstest.Pool(otherRoot), sns.ErrCertificate},
		"the root served":              {certstest.PEM(leaf, intermediate, root), nil, certstest.Pool(otherRoot), sns.ErrCertificate},
		"the system's roots":           {certstest.PEM(leaf), []*x509.Certificate{intermediate}, nil, sns.ErrCertificate},
		"an expired intermediate":      {certstest.PEM(ofExpired), []*x509.Certificate{expired}, certstest.Pool(itsRoot), sns.ErrCertificate},
		"not for servers":              {certstest.PEM(coder), []*x509.Certificate{codersIntermediate}, certstest.Pool(codersRoot), sns.ErrCertificate},
		"the wrong one first":          {certstest.PEM(intermediate, leaf), nil, certstest.Pool(root), sns.ErrCertificate},
		"the wrong one first, no root": {certstest.PEM(intermediate, leaf), nil, nil, sns.ErrCertificate},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench()
			b.amazon.file = test.served
			b.Intermediates, b.Roots = test.intermediates, test.roots
			require.ErrorIs(t, b.verify(notification()), test.want)
		})
	}
}

func TestFetch(t *testing.T) {
	leaf, _, _ := newPKI().Issue()
	key := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: []byte("not a real one")})
	redirect := func(r *http.Request) (*http.Response, error) {
		if r.URL.String() != certURL {
			return certstest.Response(http.StatusOK, certstest.PEM(leaf)), nil
		}
		response := certstest.Response(http.StatusFound, nil)
		response.Header.Set("Location", "/SimpleNotificationService-2.pem")
		return response, nil
	}
	respond := func(status int, body []byte) func(*http.Request) (*http.Response, error) {
		return func(*http.Request) (*http.Response, error) { return certstest.Response(status, body), nil }
	}
	for name, test := range map[string]struct {
		respond func(*http.Request) (*http.Response, error)
		want    error
	}{
		"status 403":  {respond(403, certstest.PEM(leaf)), sns.ErrCertificate},
		"status 404":  {respond(404, nil), sns.ErrCertificate},
		"status 203":  {respond(203, certstest.PEM(leaf)), sns.ErrFetch},
		"status 429":  {respond(429, nil), sns.ErrFetch},
		"status 500":  {respond(500, nil), sns.ErrFetch},
		"a panic":     {func(*http.Request) (*http.Response, error) { panic("a bug") }, sns.ErrFetch},
		"no response": {func(*http.Request) (*http.Response, error) { return nil, errors.New("no route") }, sns.ErrFetch},
		"redirect":    {redirect, sns.ErrFetch},
		"10 MB":       {respond(200, make([]byte, 10<<20)), sns.ErrCertificate},
		"empty":       {respond(200, nil), sns.ErrCertificate},
		"not PEM":     {respond(200, []byte("<html>")), sns.ErrCertificate},
		"a key":       {respond(200, slices.Concat(certstest.PEM(leaf), key)), sns.ErrCertificate},
		"eleven":      {respond(200, bytes.Repeat(certstest.PEM(leaf), 11)), sns.ErrCertificate},
		"broken":      {respond(200, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: []byte("x")})), sns.ErrCertificate},
		"with a tail": {respond(200, append(certstest.PEM(leaf), "x"...)), sns.ErrCertificate},
		"with a head": {respond(200, append([]byte("x\n"), certstest.PEM(leaf)...)), sns.ErrCertificate},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench()
			b.amazon.Respond = test.respond
			require.ErrorIs(t, b.verify(notification()), test.want)
			require.ErrorIs(t, b.verify(notification()), test.want)
			if errors.Is(test.want, sns.ErrFetch) { // the failure is remembered, after one retry
				b.requireCalls(t, certURL, certURL)
				b.now = now.Add(10 * time.Second)
			} else {
				b.requireCalls(t, certURL)
				b.now = now.Add(time.Minute)
			}
			b.amazon.Respond = nil
			require.NoError(t, b.verify(notification()), "but not for long")
		})
	}
}

func TestCertificateIsKept(t *testing.T) {
	p := newPKI()
	p.Leaf.NotAfter = now.Add(30 * time.Second)
	leaf, _, _ := p.Issue()
	b := newBench()
	b.amazon.file = certstest.PEM(leaf)
	for range 10 {
		require.NoError(t, b.verify(notification()))
	}
	b.now = now.Add(30 * time.Second)
	require.NoError(t, b.verify(notification()), "the last second")
	b.requireCalls(t, certURL)

	b.now = now.Add(31 * time.Second)
	p.Leaf.NotAfter = now.AddDate(1, 0, 0)
	leaf, _, _ = p.Issue()
	b.amazon.file = certstest.PEM(leaf)
	require.NoError(t, b.verify(notification()), "renewed")
	b.requireCalls(t, certURL, certURL)

	const next = "https://sns.us-east-2.amazonaws.com/SimpleNotificationService-2.pem"
	require.NoError(t, b.verify(notification().with("SigningCertURL", next)), "rotated")
	b.requireCalls(t, certURL, certURL, next)
}

func TestColdCallersShareOneFetch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench()
		release := make(chan struct{})
		b.amazon.Respond = func(*http.Request) (*http.Response, error) {
			<-release
			return certstest.Response(http.StatusOK, b.amazon.file), nil
		}
		data := notification().signed()
		results := make(chan error)
		verify := func(ctx context.Context) {
			_, err := b.Verify(ctx, data)
			results <- err
		}
		for range 100 {
			go verify(t.Context())
		}
		impatient, cancel := context.WithCancel(t.Context())
		go verify(impatient)
		synctest.Wait()
		cancel()
		err := <-results
		require.ErrorIs(t, err, sns.ErrFetch)
		require.ErrorIs(t, err, context.Canceled)
		close(release)
		for range 100 {
			require.NoError(t, <-results)
		}
		b.requireCalls(t, certURL)
	})
}

func TestSlowHost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench()
		b.amazon.Respond = func(r *http.Request) (*http.Response, error) {
			<-r.Context().Done()
			return nil, r.Context().Err()
		}
		start := time.Now()
		require.ErrorIs(t, b.verify(notification()), sns.ErrFetch)
		require.Equal(t, 4*time.Second, time.Since(start))

		start = time.Now()
		m := &sns.Message{Type: sns.SubscriptionConfirmation, TopicArn: topicARN, Token: "x"}
		require.ErrorIs(t, b.Confirm(t.Context(), m), sns.ErrConfirm)
		require.Equal(t, 5*time.Second, time.Since(start))
	})
}

// 100 attackers who invent certificate URLs do not keep a genuine message out of a
// verifier that has no certificate yet.
func TestColdStartAmongAttackers(t *testing.T) {
	genuine := notification().signed()
	before, after, found := strings.Cut(string(genuine), "Service-0a1B2c.pem")
	require.True(t, found)
	for range 160 {
		synctest.Test(t, func(t *testing.T) {
			b := newBench()
			b.amazon.Respond = func(r *http.Request) (*http.Response, error) {
				time.Sleep(150 * time.Millisecond)
				if r.URL.String() != certURL {
					return certstest.Response(http.StatusForbidden, nil), nil
				}
				return certstest.Response(http.StatusOK, b.amazon.file), nil
			}
			ctx, cancel := context.WithCancel(t.Context())
			var invented atomic.Int64
			var attackers sync.WaitGroup
			for range 100 {
				attackers.Go(func() {
					for ctx.Err() == nil {
						forged := fmt.Sprintf("%sService-%d.pem%s", before, invented.Add(1), after)
						if _, err := b.Verify(ctx, []byte(forged)); err == nil {
							t.Error("an attacker is accepted")
						}
					}
				})
			}
			time.Sleep(40 * time.Millisecond)
			start := time.Now()
			_, err := b.Verify(t.Context(), genuine)
			require.NoError(t, err)
			require.LessOrEqual(t, time.Since(start), 4*time.Second)
			cancel()
			attackers.Wait()
			time.Sleep(4 * time.Second) // until their last fetches end
		})
	}
}

// A certificate that is replaced at its URL is found when a signature does not
// fit.
func TestReplacedCertificate(t *testing.T) {
	b := newBench()
	require.NoError(t, b.verify(notification()))
	p := newPKI()
	p.Key = certstest.OtherKey()
	leaf, _, _ := p.Issue()
	b.amazon.file = certstest.PEM(leaf)
	verify := func() error {
		_, err := b.Verify(t.Context(), notification().signedBy(certstest.OtherKey()))
		return err
	}
	require.ErrorIs(t, verify(), sns.ErrSignature, "once a minute")
	b.now = now.Add(90 * time.Second)
	require.NoError(t, verify())
	b.requireCalls(t, certURL, certURL)
}
