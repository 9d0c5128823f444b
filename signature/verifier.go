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
	"time"

	"github.com/alexaevents/alexaevents/internal/certs"
	"github.com/alexaevents/alexaevents/internal/envelope"
	"github.com/alexaevents/alexaevents/internal/redact"
)

// signerName is the subject alternative name that Amazon's rules require.
const signerName = "echo-api.amazon.com"

// Verifier checks that a request comes from Alexa, is unchanged and in time, and
// is for one of the skills that it lists.
//
// A Verifier keeps the certificates that it checked, so use one for all requests.
// It fetches a certificate again a day after the last fetch, and an hour before
// the certificate expires: a request starts the fetch in a goroutine and does not
// wait for it.
//
// A Verifier is safe for concurrent use; its fields must not change once it is in
// use.
type Verifier struct {
	// Skills lists the IDs of the skills whose requests are accepted. Empty
	// accepts none: Handler responds with 500 and logs an error.
	Skills []string

	// Roots are the certificate authorities to trust. Nil trusts the system's; a
	// container image without certificates has none.
	Roots *x509.CertPool

	// HTTPClient fetches certificates. It follows no redirect, and a fetch takes
	// at most 4 seconds, even if its settings allow more. Nil is a client that uses
	// no proxy.
	HTTPClient *http.Client

	// MaxBody is the size of the largest request body in bytes. Zero or less is
	// 1 MiB.
	MaxBody int64

	// Logger receives one record for each request that Handler refuses. If Skills
	// is empty, that is logged at Error, at most once a minute, and otherwise at
	// Debug. Nil disables logging.
	Logger *slog.Logger

	// Observe is called at the end of each verification, for metrics. Nil disables
	// it.
	Observe func(context.Context, Observation)

	// Now is the clock. Nil is time.Now.
	Now func() time.Time

	certificates certs.Cache
	misuse       redact.Throttle
}

// Observation describes the end of one verification. It holds no personal data.
type Observation struct {
	RequestType string // request.type; empty after an error
	SkillID     string // ID of the request's skill; empty after an error
	Err         error  // error that Verify or Read returned; nil after success
}

// Verify verifies a request by its headers and the exact bytes of its body. It
// returns the errors of this package.
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

// check makes the cheap checks first, so that few forged requests cause a fetch.
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
	if err := envelope.CheckSkill(skillID, v.Skills, "Verifier.Skills"); err != nil {
		return "", "", fmt.Errorf("%w: %w", ErrSkill, err)
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
		return "", "", certs.Error(err, ErrFetch, ErrCertificate, errChanged)
	}
	return requestType, skillID, nil
}

func (v *Verifier) now() time.Time {
	if v.Now != nil {
		return v.Now()
	}
	return time.Now()
}

// shortText returns a text of at most 1 KiB. Types and skill IDs are shorter, but
// anyone can send longer texts.
func shortText(raw envelope.Raw) (string, error) {
	const longest = 1 << 10
	if len(raw) > longest {
		return "", errors.New("too long")
	}
	return raw.Text()
}

const (
	// tolerance is how far the time of a request may differ from ours: Amazon's
	// limit.
	tolerance = 150 * time.Second

	// redelivery is how old an event may be: Alexa redelivers events for an
	// hour without a new timestamp.
	redelivery = time.Hour
)

// checkTime refuses a request that is too old, too far in the future, or without
// a time. Both limits are inclusive.
func checkTime(found *envelope.Envelope, requestType string, now time.Time) error {
	at, err := found.SentAt()
	if err != nil {
		return fmt.Errorf("%w: %w", ErrTime, err)
	}
	if at.IsZero() {
		return fmt.Errorf("%w: it is missing", ErrTime)
	}
	oldest := redelivery
	if found.HasSession() || envelope.IsImmediate(requestType) {
		oldest = tolerance
	}
	switch age, ahead := now.Sub(at), at.Sub(now); {
	case age > oldest:
		return fmt.Errorf("%w: %v old, at most %v is accepted", ErrTime, age, oldest)
	case ahead > tolerance:
		return fmt.Errorf("%w: %v in the future, at most %v is accepted", ErrTime, ahead, tolerance)
	}
	return nil
}
