package signature

import (
	"fmt"
	"net/http"
	"net/url"
	"path"
	"strings"

	"github.com/alexaevents/alexaevents/internal/certs"
)

const (
	urlHeader       = "SignatureCertChainUrl"
	signatureHeader = "Signature-256"

	certificateHost = "s3.amazonaws.com"
	certificatePath = "/echo.api/"
	maxURL          = 2048
)

// signatureHeaders has the values of the two headers.
type signatureHeaders struct {
	url       string // made by certificateURL
	signature []byte
}

// readHeader reads and checks the two headers.
func readHeader(header http.Header) (signatureHeaders, error) {
	rawURL, encoded := sole(header, urlHeader), sole(header, signatureHeader)
	if rawURL == "" || encoded == "" {
		return signatureHeaders{}, ErrHeader
	}
	signature, err := certs.DecodeSignature([]byte(encoded))
	if err != nil {
		return signatureHeaders{}, fmt.Errorf("%w: %w", ErrSignature, err)
	}
	url, err := certificateURL(rawURL)
	if err != nil {
		return signatureHeaders{}, err
	}
	return signatureHeaders{url, signature}, nil
}

// sole returns the value of a header that occurs once, else "". Headers that do
// not come from net/http may be spelled in any case.
func sole(header http.Header, name string) (value string) {
	count := 0
	for key, values := range header {
		if len(key) == len(name) && strings.EqualFold(key, name) {
			for _, value = range values {
				count++
			}
		}
	}
	if count != 1 {
		return ""
	}
	return value
}

// certificateURL checks the URL of a certificate chain by Amazon's rules and
// builds it anew from what it checked: no other URL is ever fetched. It refuses
// what Amazon's URLs never have and parsers disagree about: escapes, backslashes,
// empty path segments, user names.
func certificateURL(raw string) (string, error) {
	if len(raw) > maxURL {
		return "", fmt.Errorf("%w: longer than %d bytes", ErrURL, maxURL)
	}
	u, err := url.Parse(raw)
	if err != nil {
		return "", fmt.Errorf("%w: not a URL", ErrURL)
	}
	switch host := strings.ToLower(u.Host); {
	case u.Scheme != "https":
		return "", fmt.Errorf("%w: not https", ErrURL)
	case u.Opaque != "" || u.User != nil:
		return "", fmt.Errorf("%w: only a host and a path are allowed", ErrURL)
	case host != certificateHost && host != certificateHost+":443":
		return "", fmt.Errorf("%w: not the host %s on port 443", ErrURL, certificateHost)
	}
	escaped := u.EscapedPath()
	if strings.Contains(escaped, "%") || strings.Contains(escaped, "//") {
		return "", fmt.Errorf("%w: the path is ambiguous", ErrURL)
	}
	clean := path.Clean(u.Path)
	if !strings.HasPrefix(clean, certificatePath) {
		return "", fmt.Errorf("%w: the path is outside of %s", ErrURL, certificatePath)
	}
	return "https://" + certificateHost + clean, nil
}
