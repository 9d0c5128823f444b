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
// returns it rebuilt from what was checked: no other URL is ever fetched. What
// Amazon's own URLs never have and parsers disagree about is refused: escapes,
// backslashes, empty path segments, user names.
func certificateURL(raw string) (string, error) {
	if len(raw) > maxURL {
		return "", fmt.Errorf("%w: too long", ErrURL)
	}
	u, err := url.Parse(raw)
	if err != nil {
		return "", fmt.Errorf("%w: not a URL", ErrURL)
	}
	switch host := strings.ToLower(u.Host); {
	case u.Scheme != "https":
		return "", fmt.Errorf("%w: not https", ErrURL)
	case u.Opaque != "" || u.User != nil:
		return "", fmt.Errorf("%w: more than host and path", ErrURL)
	case host != certificateHost && host != certificateHost+":443":
		return "", fmt.Errorf("%w: another host or port than %s", ErrURL, certificateHost)
	}
	escaped := u.EscapedPath()
	if strings.Contains(escaped, "%") || strings.Contains(escaped, "//") {
		return "", fmt.Errorf("%w: an ambiguous path", ErrURL)
	}
	clean := path.Clean(u.Path)
	if !strings.HasPrefix(clean, certificatePath) {
		return "", fmt.Errorf("%w: a path outside %s", ErrURL, certificatePath)
	}
	return "https://" + certificateHost + clean, nil
}
