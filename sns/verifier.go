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

// Verifier checks that messages come from SNS, unchanged and on one of the
// topics that it lists. It keeps the certificates that it checked, so use one
// for all messages. It is safe for concurrent use; its fields must not change
// once it is in use.
//
// A message fetches a certificate again if that was fetched a day ago or expires
// within the hour, in a goroutine that ends with the fetch. The message does not
// wait for it.
type Verifier struct {
	// Topics lists the ARNs of the topics whose messages are accepted. Empty
	// accepts none.
	Topics []string

	// RequireSHA256 refuses signatures of version 1, which use SHA-1. False
	// accepts them where the program may use SHA-1: not in FIPS 140-only mode.
	RequireSHA256 bool

	// MaxAge is how long ago an accepted message may have been published. Over
	// HTTP, SNS retries for an hour at most, so two hours are enough; a queue can
	// keep messages for 14 days. Zero accepts messages of every age: a signature
	// does not expire, so anybody who has seen a message can send it again.
	MaxAge time.Duration

	// HTTPClient fetches certificates and confirms subscriptions. It follows no
	// redirect, and a request takes 5 seconds at most, whatever its own settings.
	// It must check TLS certificates, since they prove which host is SNS. Nil is a
	// client that uses no proxy.
	HTTPClient *http.Client

	// Intermediates are the certificate authorities between the roots and the
	// certificates of SNS, which serves them without a chain. If there are any,
	// or Roots, the certificates must also lead to one of the roots. None, and
	// no Roots, leaves it at the host that they come from, their name and their
	// dates.
	Intermediates []*x509.Certificate

	// Roots are the certificate authorities that chains must lead to. Nil is
	// the system's if there are Intermediates.
	Roots *x509.CertPool

	// Now is the clock. Nil is time.Now.
	Now func() time.Time

	certificates certs.Cache
}

// Verify checks a message by its exact JSON, with the members spelled as SNS
// spells them over HTTP or as it does for Lambda. The errors are those of this
// package.
func (v *Verifier) Verify(ctx context.Context, data []byte) (*Message, error) {
	// What costs nothing comes first, so that bytes from strangers seldom make it
	// as far as the network.
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
		return d.fits(key, version, signed)
	})
	if err != nil {
		return nil, certificateError(err)
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

// checkVersion knows the two versions that there are. The version itself is not
// signed; that a signature of one does not fit the other is what protects it.
func (v *Verifier) checkVersion(version string) error {
	switch {
	case version == "2":
		return nil
	case version != "1":
		return fmt.Errorf("%w: neither 1 nor 2", ErrVersion)
	case v.RequireSHA256:
		return fmt.Errorf("%w: 1, which uses SHA-1; set the attribute SignatureVersion of the topic to 2", ErrVersion)
	case fips140.Enforced():
		return fmt.Errorf("%w: 1, which uses SHA-1, not available in FIPS 140-only mode; set the attribute SignatureVersion of the topic to 2", ErrVersion)
	}
	return nil
}

// source is where the certificate of a message of the topic comes from.
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

func (d *document) fits(key *rsa.PublicKey, version string, signed []byte) bool {
	algorithm, h := crypto.SHA256, sha256.New()
	if version == "1" {
		algorithm, h = crypto.SHA1, sha1.New() //nolint:gosec // see the import
	}
	d.writeSigned(h)
	return rsa.VerifyPKCS1v15(key, algorithm, h.Sum(nil), signed) == nil
}

const confirmTime = 5 * time.Second

// Confirm confirms the subscription that a [SubscriptionConfirmation] asks
// about. It calls SNS in the region of the topic, which must be listed, and no
// URL that came with the message. The errors wrap [ErrConfirm] or [ErrTopic].
func (v *Verifier) Confirm(ctx context.Context, m *Message) error {
	if m.Type != SubscriptionConfirmation {
		return fmt.Errorf("%w: a message of another type", ErrConfirm)
	}
	topic, err := findTopic(v.Topics, m.TopicArn)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, confirmTime)
	defer cancel()
	query := url.Values{"Action": {"ConfirmSubscription"}, "TopicArn": {m.TopicArn}, "Token": {string(m.Token)}}
	if _, err := certs.Get(ctx, v.HTTPClient, "https://"+topic.host()+"/?"+query.Encode()); err != nil {
		if call, ok := errors.AsType[*url.Error](err); ok { // whose text has the URL, and that the token
			err = call.Err
		}
		return fmt.Errorf("%w: %w", ErrConfirm, err)
	}
	return nil
}
