package sns

import (
	"context"
	"crypto"
	"crypto/fips140"
	"crypto/rsa"
	"crypto/sha1" //nolint:gosec // what SNS signs with unless a topic is set otherwise
	"crypto/sha256"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/alexaevents/alexaevents/internal/certs"
)

// Verifier checks that a message comes from SNS, is unchanged, and is of one of
// the topics that it lists.
//
// A Verifier keeps the certificates that it checked, so use one for all messages.
// It fetches a certificate again a day after the last fetch, and an hour before
// the certificate expires: a message starts the fetch in a goroutine and does not
// wait for it.
//
// A Verifier is safe for concurrent use; its fields must not change once it is in
// use.
type Verifier struct {
	// Topics lists the ARNs of the topics whose messages are accepted. Empty
	// accepts none.
	Topics []string

	// Roots are the certificate authorities to trust. Nil trusts the system's if
	// there are Intermediates, and otherwise checks no chain: only the host that
	// serves a certificate, its name and its dates.
	Roots *x509.CertPool

	// Intermediates are the certificate authorities between the roots and the
	// certificates of SNS, since SNS serves them without a chain. Nil means none.
	Intermediates []*x509.Certificate

	// HTTPClient fetches certificates and confirms subscriptions. It follows no
	// redirect, and a request takes at most 5 seconds, even if its settings allow
	// more. It must check TLS certificates, since they prove which host is SNS. Nil
	// is a client that uses no proxy.
	HTTPClient *http.Client

	// RequireSHA256 refuses signatures of version 1, which use SHA-1. False
	// accepts them, except in FIPS 140-only mode.
	RequireSHA256 bool

	// MaxAge is the age of the oldest message that is accepted. Over HTTP, SNS
	// retries for at most an hour, so two hours are enough; a queue can keep
	// messages for 14 days. Zero accepts messages of every age: a signature does
	// not expire, so anyone who has seen a message can send it again.
	MaxAge time.Duration

	// Now is the clock. Nil is time.Now.
	Now func() time.Time

	certificates certs.Cache
}

// Verify verifies a message by its exact JSON, as SNS sends it over HTTP or to
// Lambda. It returns the errors of this package.
func (v *Verifier) Verify(ctx context.Context, data []byte) (*Message, error) {
	// The cheap checks come first, so that few forged messages cause a fetch.
	d, m, err := open(v.Topics, data)
	if err != nil {
		return nil, err
	}
	now := v.now()
	if age := now.Sub(m.Timestamp); v.MaxAge > 0 && age > v.MaxAge {
		return nil, fmt.Errorf("%w: published %v ago", ErrTime, age.Round(time.Second))
	}
	if d.topic.isFIFO() && d.text[signature] == nil {
		return nil, fmt.Errorf("%w: SNS does not sign the messages of a FIFO topic; receive them from a queue, with SQS and a nil Verifier", ErrSignature)
	}
	version, url := string(d.text[signatureVersion]), string(d.text[signingCertURL])
	if err := v.checkVersion(version); err != nil {
		return nil, err
	}
	signed, err := certs.DecodeSignature(d.text[signature])
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrSignature, err)
	}
	if err := d.topic.checkCertificateURL(url); err != nil {
		return nil, err
	}
	if m.Type != Notification {
		if err := d.topic.checkSubscribeURL(string(d.text[subscribeURL])); err != nil {
			return nil, err
		}
	}
	err = v.certificates.Verify(ctx, v.source(d.topic, url, now), func(key *rsa.PublicKey) bool {
		return d.matches(key, version, signed)
	})
	if err != nil {
		return nil, certs.Error(err, ErrFetch, ErrCertificate, errChanged)
	}
	m.Message = string(d.text[body])
	return m, nil
}

func (v *Verifier) now() time.Time {
	if v.Now != nil {
		return v.Now()
	}
	return time.Now()
}

// checkVersion checks the version of a signature. It is not signed, but a
// signature of one version does not match under the other.
func (v *Verifier) checkVersion(version string) error {
	switch {
	case version == "2":
		return nil
	case version != "1":
		return fmt.Errorf("%w: it must be 1 or 2", ErrVersion)
	case v.RequireSHA256:
		return fmt.Errorf("%w: 1 uses SHA-1; set the attribute SignatureVersion of the topic to 2", ErrVersion)
	case fips140.Enforced():
		return fmt.Errorf("%w: 1 uses SHA-1, which FIPS 140-only mode forbids; set the attribute SignatureVersion of the topic to 2", ErrVersion)
	}
	return nil
}

// source is where the certificate for a message of the topic comes from.
func (v *Verifier) source(topic topic, url string, now time.Time) certs.Source {
	return certs.Source{URL: url, Now: now, Load: func(ctx context.Context) (*certs.Certificate, error) {
		chain, err := certs.Fetch(ctx, v.HTTPClient, url)
		if err != nil {
			return nil, err
		}
		name := topic.signerName(chain[0].DNSNames)
		if v.Roots == nil && len(v.Intermediates) == 0 {
			return certs.CheckAlone(chain[0], name, now)
		}
		return certs.Check(slices.Concat(chain, v.Intermediates), name, v.Roots, now)
	}}
}

func (d *document) matches(key *rsa.PublicKey, version string, signed []byte) bool {
	algorithm, h := crypto.SHA256, sha256.New()
	if version == "1" {
		algorithm, h = crypto.SHA1, sha1.New() //nolint:gosec // see the import
	}
	d.writeSigned(h)
	return rsa.VerifyPKCS1v15(key, algorithm, h.Sum(nil), signed) == nil
}

const confirmTime = 5 * time.Second

// Confirm confirms the subscription of a [SubscriptionConfirmation]. It sends a
// request to SNS in the region of the topic, which must be listed, and to no URL
// of the message. The errors wrap [ErrConfirm] or [ErrTopic].
func (v *Verifier) Confirm(ctx context.Context, m *Message) error {
	if m.Type != SubscriptionConfirmation {
		return fmt.Errorf("%w: the message is of another type", ErrConfirm)
	}
	topic, err := findTopic(v.Topics, m.TopicArn)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, confirmTime)
	defer cancel()
	query := url.Values{"Action": {"ConfirmSubscription"}, "TopicArn": {m.TopicArn}, "Token": {string(m.Token)}}
	if _, err := certs.Get(ctx, v.HTTPClient, "https://"+topic.host()+"/?"+query.Encode()); err != nil {
		if call, ok := errors.AsType[*url.Error](err); ok { // its text has the URL, with the token
			err = call.Err
		}
		return fmt.Errorf("%w: %w", ErrConfirm, err)
	}
	return nil
}
