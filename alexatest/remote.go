package alexatest

import (
	"context"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	neturl "net/url"
	"strings"
	"time"
)

// The paths of the certificates that clients of [Remote] trust.
const (
	rootsPath         = "/_cloud/ca.pem"
	intermediatesPath = "/_cloud/intermediates.pem"
)

// ServeHTTP serves the cloud to other processes. A request over TLS is for the host in
// its Host header, and a request to /HOST/path is for the path at that host. If a
// fault breaks the connection, ServeHTTP panics with [http.ErrAbortHandler].
func (c *Cloud) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case r.TLS == nil && r.URL.Path == rootsPath:
		writePEM(w, c.RootPEM())
		return
	case r.TLS == nil && r.URL.Path == intermediatesPath:
		writePEM(w, pemFile(c.root.Load().intermediate.certificate().Raw))
		return
	}
	out := r.Clone(r.Context())
	out.RequestURI, out.URL.Scheme, out.URL.RawPath = "", "https", ""
	if r.TLS != nil {
		out.URL.Host = strings.TrimSuffix(r.Host, ":443")
	} else {
		host, path, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
		out.URL.Host, out.URL.Path = host, "/"+path
	}
	response, err := c.RoundTrip(out)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	defer response.Body.Close()
	maps.Copy(w.Header(), response.Header)
	w.WriteHeader(response.StatusCode)
	if _, err := io.Copy(w, response.Body); err != nil {
		panic(http.ErrAbortHandler)
	}
}

func writePEM(w http.ResponseWriter, file []byte) {
	w.Header().Set("Content-Type", "application/x-pem-file")
	w.Write(file)
}

// RemoteCloud is a cloud in another process. Create one with [Remote].
type RemoteCloud struct {
	url           *neturl.URL
	roots         *x509.CertPool
	intermediates []*x509.Certificate
}

// Remote connects to a cloud in another process at its URL, such as
// "http://127.0.0.1:4160": one that serves [Cloud.ServeHTTP], or the command
// alexaevents cloud.
func Remote(url string) (*RemoteCloud, error) {
	parsed, err := neturl.Parse(url)
	if err != nil || parsed.Host == "" {
		return nil, fmt.Errorf("alexatest: not the URL of a cloud: %q", url)
	}
	remote := &RemoteCloud{url: parsed, roots: x509.NewCertPool()}
	roots, err := remote.certificates(rootsPath)
	if err != nil {
		return nil, err
	}
	for _, root := range roots {
		remote.roots.AddCert(root)
	}
	remote.intermediates, err = remote.certificates(intermediatesPath)
	return remote, err
}

// Client returns an HTTP client whose requests go only to the cloud, like
// [Cloud.Client].
func (r *RemoteCloud) Client() *http.Client { return &http.Client{Transport: byPath{r.url}} }

// Roots returns the root certificates, for signature.Verifier.Roots and
// sns.Verifier.Roots.
func (r *RemoteCloud) Roots() *x509.CertPool { return r.roots }

// Intermediates returns the intermediate certificate, for sns.Verifier.Intermediates.
func (r *RemoteCloud) Intermediates() []*x509.Certificate { return r.intermediates }

func (r *RemoteCloud) certificates(path string) (found []*x509.Certificate, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, r.url.JoinPath(path).String(), http.NoBody)
	if err != nil {
		return nil, err
	}
	response, err := direct.RoundTrip(request)
	if err != nil {
		return nil, fmt.Errorf("alexatest: no cloud: %w", err)
	}
	defer response.Body.Close()
	file, err := io.ReadAll(io.LimitReader(response.Body, 1<<20))
	for block, rest := pem.Decode(file); err == nil && block != nil; block, rest = pem.Decode(rest) {
		var certificate *x509.Certificate
		certificate, err = x509.ParseCertificate(block.Bytes)
		found = append(found, certificate)
	}
	if err == nil && len(found) == 0 {
		err = errors.New("no certificates, status " + response.Status)
	}
	if err != nil {
		return nil, fmt.Errorf("alexatest: no cloud at %s: %w", request.URL, err)
	}
	return found, nil
}

// direct uses no proxy.
var direct = &http.Transport{DisableKeepAlives: true}

// byPath sends each request to one server, with its host as the first element of the
// path.
type byPath struct{ to *neturl.URL }

func (b byPath) RoundTrip(r *http.Request) (*http.Response, error) {
	out := r.Clone(r.Context())
	out.URL.Path, out.URL.RawPath = "/"+r.URL.Host+r.URL.Path, ""
	out.URL.Scheme, out.URL.Host, out.Host = b.to.Scheme, b.to.Host, ""
	response, err := direct.RoundTrip(out)
	if err == nil {
		response.Request = r
	}
	return response, err
}
