package signature

import (
	"context"
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/alexaevents/alexaevents/internal/certs"
	"github.com/alexaevents/alexaevents/internal/envelope"
	"github.com/alexaevents/alexaevents/internal/redact"
)

const (
	urlHeader       = "SignatureCertChainUrl"
	signatureHeader = "Signature-256"

	// signerName is the subject alternative name that Amazon's rules ask for.
	signerName = "echo-api.amazon.com"
)

// Verifier checks that requests come from Alexa, unchanged and in time, and are
// for one of the skills that it lists. It keeps the certificates that it
// checked, so use one for all requests. It is safe for concurrent use; its
// fields must not change once it is in use.
//
// A request fetches a certificate again if that was fetched a day ago or expires
// within the hour, in a goroutine that ends with the fetch. The request does not
// wait for it.
type Verifier struct {
	// Skills lists the IDs of the skills whose requests are accepted. Empty
	// accepts none: Handler responds with 500 and logs an error.
	Skills []string

	// Roots are the certificate authorities to trust. Nil trusts the system's,
	// which a container image without certificates lacks.
	Roots *x509.CertPool

	// HTTPClient fetches certificates. It follows no redirect, and a fetch takes
	// 4 seconds at most, whatever its own settings. Nil is a client that uses no
	// proxy.
	HTTPClient *http.Client

	// MaxBody is the size of the largest request body in bytes. Zero or less is
	// 1 MiB.
	MaxBody int64

	// Logger receives one record for each request that Handler refuses. Empty
	// Skills are logged at Error, at most once a minute, and otherwise at Debug.
	// Nil disables logging.
	Logger *slog.Logger

	// Observe is called after each verification, for metrics. Nil disables it.
	Observe func(context.Context, Observation)

	// Now is the clock. Nil is time.Now.
	Now func() time.Time

	certificates certs.Cache
	misuse       redact.Throttle
}

// Observation tells how a verification ended.
type Observation struct {
	SkillID     string // empty if Err is not nil
	RequestType string // empty if Err is not nil
	Err         error  // nil, or what Verify returned
}

// Verify checks a request by its headers and the exact bytes of its body, as
// they arrived. The errors are those of this package.
func (v *Verifier) Verify(ctx context.Context, header http.Header, body []byte) error {
	signed, err := readHeader(header)
	if err != nil {
		return v.observe(ctx, Observation{Err: err})
	}
	return v.verify(ctx, signed, body)
}

func (v *Verifier) verify(ctx context.Context, signed signatureHeaders, body []byte) error {
	requestType, skillID, err := v.check(ctx, signed, body)
	if err != nil {
		return v.observe(ctx, Observation{Err: err})
	}
	return v.observe(ctx, Observation{SkillID: skillID, RequestType: requestType})
}

func (v *Verifier) observe(ctx context.Context, o Observation) error {
	if v.Observe != nil {
		v.Observe(ctx, o)
	}
	return o.Err
}

// check does everything that costs nothing first, so that bytes from strangers
// seldom make it as far as the network.
func (v *Verifier) check(ctx context.Context, signed signatureHeaders, body []byte) (requestType, skillID string, err error) {
	if len(v.Skills) == 0 {
		return "", "", errNoSkills
	}
	at := v.now()

	found, err := envelope.Scan(body)
	if err != nil {
		return "", "", fmt.Errorf("%w: %w", ErrRequest, err)
	}
	requestType, err = shortText(found[envelope.Type])
	if err != nil {
		return "", "", fmt.Errorf("%w: request.type: %w", ErrRequest, err)
	}
	if err := checkTime(&found, requestType, at); err != nil {
		return "", "", err
	}
	skillID, err = shortText(found[envelope.ApplicationID])
	if err != nil {
		return "", "", fmt.Errorf("%w: applicationId: %w", ErrRequest, err)
	}
	if err := v.checkSkill(skillID); err != nil {
		return "", "", err
	}

	source := certs.Source{URL: signed.url, Now: at, Load: func(ctx context.Context) (*certs.Certificate, error) {
		chain, err := certs.Fetch(ctx, v.HTTPClient, signed.url)
		if err != nil {
			return nil, err
		}
		return certs.Check(chain, signerName, v.Roots, at)
	}}
	sum := sha256.Sum256(body)
	err = v.certificates.Verify(ctx, source, func(key *rsa.PublicKey) bool {
		return rsa.VerifyPKCS1v15(key, crypto.SHA256, sum[:], signed.signature) == nil
	})
	if err != nil {
		return "", "", certificateError(err)
	}
	return requestType, skillID, nil
}

func (v *Verifier) now() time.Time {
	if v.Now != nil {
		return v.Now()
	}
	return time.Now()
}

// shortText returns a text that is not longer than any type or skill ID, since
// strangers can send any.
func shortText(raw envelope.Raw) (string, error) {
	const longest = 1 << 10
	if len(raw) > longest {
		return "", errors.New("too long")
	}
	return raw.Text()
}

func (v *Verifier) checkSkill(skillID string) error {
	switch {
	case skillID != "" && slices.Contains(v.Skills, skillID):
		return nil
	case skillID == "":
		return fmt.Errorf("%w: it has no skill ID", ErrSkill)
	case isSkillID(skillID):
		return fmt.Errorf("%w: %s is not in Verifier.Skills, which lists %d", ErrSkill, skillID, len(v.Skills))
	}
	return fmt.Errorf("%w: it has an invalid skill ID", ErrSkill)
}

// isSkillID reports whether an ID has the form of Amazon's, and so may be shown.
func isSkillID(id string) bool {
	rest, ok := strings.CutPrefix(id, "amzn1.")
	return ok && len(id) <= 100 && strings.Trim(rest, "abcdefghijklmnopqrstuvwxyz0123456789.-") == ""
}

// signatureHeaders is what the two headers say.
type signatureHeaders struct {
	url       string // rebuilt by certificateURL
	signature []byte
}

// readHeader checks all that can be told from the headers alone.
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

// sole returns the value of a header that occurs once, else "". Headers that
// did not come from net/http may be spelled in any case.
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
