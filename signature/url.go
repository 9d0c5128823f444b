package signature

import (
	"fmt"
	"net/url"
	"path"
	"strings"
)

const (
	certificateHost = "s3.amazonaws.com"
	certificatePath = "/echo.api/"
	maxURL          = 2048
)

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
		return "", fmt.Errorf("%w: it has more than a host and a path", ErrURL)
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
