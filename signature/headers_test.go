package signature

import (
	"net/url"
	"path"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const certPEM = "https://s3.amazonaws.com/echo.api/echo-api-cert.pem"

// An empty result is a URL to refuse.
func TestCertificateURL(t *testing.T) {
	const cert = "https://s3.amazonaws.com/echo.api/cert"
	longest := cert + strings.Repeat("a", 2048-len(cert))
	for raw, want := range map[string]string{
		// Amazon's documentation.
		"https://s3.amazonaws.com/echo.api/echo-api-cert.pem":             certPEM,
		"https://s3.amazonaws.com:443/echo.api/echo-api-cert.pem":         certPEM,
		"https://s3.amazonaws.com/echo.api/../echo.api/echo-api-cert.pem": certPEM,
		"http://s3.amazonaws.com/echo.api/echo-api-cert.pem":              "",
		"https://notamazon.com/echo.api/echo-api-cert.pem":                "",
		"https://s3.amazonaws.com/EcHo.aPi/echo-api-cert.pem":             "",
		"https://s3.amazonaws.com/invalid.path/echo-api-cert.pem":         "",
		"https://s3.amazonaws.com:563/echo.api/echo-api-cert.pem":         "",

		// The tests of Amazon's SDKs and of other verifiers.
		"https://s3.amazonaws.com/echo.api/cert":                 cert,
		"https://s3.amazonaws.com:443/echo.api/cert":             cert,
		"https://s3.amazonaws.com/echo.api/../echo.api/cert":     cert,
		"https://very.bad/echo.api/cert":                         "",
		"http://s3.amazonaws.com/echo.api/cert":                  "",
		"https://s3.amazonaws.com:563/echo.api/cert":             "",
		"https://s3.amazonaws.com/cert":                          "",
		"https://s3.amazonaws.com/echo.api/../cert":              "",
		"https://s3.amazonaws.com/ECHO.API/cert":                 "",
		"badUrl":                                                 "",
		"http://abc.com":                                         "",
		"HTTPS://s3.amazonaws.com/echo.api/echo-api-cert.pem":    certPEM,
		"https://S3.AMAZONAWS.COM/echo.api/echo-api-cert.pem":    certPEM,
		"ftp://s3.amazonaws.com/echo.api/echo-api-cert.pem":      "",
		"https://s4.amazonaws.com/bad_bad.api/echo-api-cert.pem": "",
		":12345":      "",
		"":            "",
		"hello world": "",
		"https://invalid.s3.amazonaws.com/echo.api/echo-api-cert.pem":   "",
		"https://s3.amazonaws.com/echo.api/../evil/cert.pem":            "",
		"https://s3.amazonaws.com.evil.example/echo.api/cert.pem":       "",
		"https://user@s3.amazonaws.com/echo.api/echo-api-cert.pem":      "",
		"https://user:pass@s3.amazonaws.com/echo.api/echo-api-cert.pem": "",

		// What parsers disagree about.
		"https://s3.amazonaws.com/echo.api/%2e%2e/evil/c.pem": "",
		"https://s3.amazonaws.com/echo.api/..%2fevil/c.pem":   "",
		"https://s3.amazonaws.com/echo.api/%252e%252e/evil":   "",
		"https://s3.amazonaws.com/%65cho.api/c":               "",
		"https://s3.amazonaws.com//echo.api/c":                "",
		"https://s3.amazonaws.com/echo.api//c":                "",
		"https://s3.amazonaws.com/echo.api/":                  "",
		"https://s3.amazonaws.com/echo.api":                   "",
		"https://s3.amazonaws.com/echo.api.evil/c":            "",
		"https://s3.amazonaws.com/echo.api/c/..":              "",
		"https://s3.amazonaws.com/../echo.api/c":              "https://s3.amazonaws.com/echo.api/c",
		"https://s3.amazonaws.com/x/../echo.api/c":            "https://s3.amazonaws.com/echo.api/c",
		"https://s3.amazonaws.com/./echo.api/c":               "https://s3.amazonaws.com/echo.api/c",
		`https://s3.amazonaws.com/echo.api\..\evil`:           "",
		`https://s3.amazonaws.com/echo.api/..\evil/c.pem`:     "",
		`https://s3.amazonaws.com\@evil.com/echo.api/c`:       "",
		`https://evil.com\@s3.amazonaws.com/echo.api/c`:       "",
		"https://s3.amazonaws.com@evil.com/echo.api/c":        "",
		"https://s3.amazonaws.com./echo.api/c":                "",
		"https://s3.amazonaws.com:/echo.api/c":                "",
		"https://s3.amazonaws.com:0443/echo.api/c":            "",
		"https://s3.amazonaws.com:80/echo.api/c":              "",
		"https:s3.amazonaws.com/echo.api/c":                   "",
		"https:/s3.amazonaws.com/echo.api/c":                  "",
		"//s3.amazonaws.com/echo.api/c":                       "",
		"https://s3。amazonaws.com/echo.api/c":                 "",
		"https://\u017f3.amazonaws.com/echo.api/c":            "", // folds to s
		" https://s3.amazonaws.com/echo.api/c":                "",
		"https://s3.amazonaws.com/echo.api/c\n":               "",
		"https://s3.amazonaws.com/echo.api/\x00":              "",
		"https://s3.amazonaws.com/echo.api/a b":               "",
		"https://s3.amazonaws.com/echo.api/é":                 "",

		// The longest.
		longest:       longest,
		longest + "a": "",

		// Queries and fragments name the same object: they are dropped.
		certPEM + "?x=1": certPEM,
		certPEM + "?":    certPEM,
		certPEM + "#f":   certPEM,
	} {
		got, err := certificateURL(raw)
		require.Equal(t, want, got, raw)
		if want == "" {
			require.ErrorIs(t, err, ErrURL, raw)
		} else {
			require.NoError(t, err, raw)
		}
	}
}

func FuzzCertificateURL(f *testing.F) {
	f.Add(certPEM)
	f.Add("https://s3.amazonaws.com/echo.api/%2e%2e/evil")
	f.Add("HTTPS://S3.amazonaws.com:443/x/../echo.api/c?q#f")
	f.Fuzz(func(t *testing.T, raw string) {
		got, err := certificateURL(raw)
		if err != nil {
			require.ErrorIs(t, err, ErrURL)
			return
		}
		u, err := url.Parse(got)
		require.NoError(t, err)
		require.Equal(t, "https://s3.amazonaws.com"+path.Clean(u.Path), got)
		require.True(t, strings.HasPrefix(u.Path, "/echo.api/"))
		require.NotContains(t, got, "%")
		again, err := certificateURL(got)
		require.NoError(t, err)
		require.Equal(t, got, again)
	})
}
