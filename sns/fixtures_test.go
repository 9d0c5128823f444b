package sns_test

import (
	"bytes"
	"context"
	"crypto"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/alexaevents/alexaevents/internal/certs/certstest"
	"github.com/alexaevents/alexaevents/sns"
)

const (
	topicARN = "arn:aws:sns:us-east-2:123456789012:Alexa-events"
	certURL  = "https://sns.us-east-2.amazonaws.com/SimpleNotificationService-0a1B2c.pem"
	id       = "0f52a3c4-7b1d-5e6f-8a9b-c0d1e2f3a4b5"
	text     = "{\"eventName\":\"Ünïcode\", \"lines\":\"\\n\"}\n\t🎉"
	tokenA   = "a token with + and & in it"
)

// envelope is the JSON of a message before it is written.
type envelope map[string]any

// notification returns a notification without a signature.
func notification() envelope {
	return envelope{
		"Type": "Notification", "MessageId": id, "TopicArn": topicARN, "Message": text,
		"Timestamp": "2026-03-01T11:59:58.123Z", "SignatureVersion": "2", "SigningCertURL": certURL,
		"UnsubscribeURL":    "https://sns.us-east-2.amazonaws.com/?Action=Unsubscribe&SubscriptionArn=" + topicARN + ":1",
		"MessageAttributes": map[string]any{"a": map[string]string{"Type": "String", "Value": "b"}},
	}
}

func confirmation(messageType string) envelope {
	return notification().with("Type", messageType).with("Token", tokenA).with("Message", "You have chosen\nto subscribe").
		with("SubscribeURL", "https://sns.us-east-2.amazonaws.com/?Action=ConfirmSubscription&Token=x").without("UnsubscribeURL")
}

// with returns a copy with another member.
func (e envelope) with(name string, value any) envelope {
	e = maps.Clone(e)
	e[name] = value
	return e
}

func (e envelope) without(name string) envelope {
	e = maps.Clone(e)
	delete(e, name)
	return e
}

// text is what SNS signs: a line with the name and one with the value of each
// signed member, in alphabetical order.
func (e envelope) text() string {
	names := []string{"Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"}
	if e["Type"] != "Notification" {
		names = []string{"Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"}
	}
	var s strings.Builder
	for _, name := range names {
		if value, ok := e[name].(string); ok {
			s.WriteString(name + "\n" + value + "\n")
		}
	}
	return s.String()
}

// signed returns the JSON with the signature of SNS.
func (e envelope) signed() []byte {
	return e.signedBy(certstest.Key())
}

func (e envelope) signedBy(key *rsa.PrivateKey) []byte {
	return e.with("Signature", sign(key, e["SignatureVersion"], e.text())).json()
}

func sign(key *rsa.PrivateKey, version any, text string) string {
	hash, sum := crypto.SHA256, make([]byte, 0, 32)
	if version == "1" {
		s := sha1.Sum([]byte(text))
		hash, sum = crypto.SHA1, append(sum, s[:]...)
	} else {
		s := sha256.Sum256([]byte(text))
		sum = append(sum, s[:]...)
	}
	signature, err := rsa.SignPKCS1v15(nil, key, hash, sum)
	if err != nil {
		panic(err)
	}
	return base64.StdEncoding.EncodeToString(signature)
}

func (e envelope) json() []byte {
	data, err := json.Marshal(e)
	if err != nil {
		panic(err)
	}
	return data
}

// replaced returns the JSON with something else in one place.
func replaced(t testing.TB, data []byte, old, other string) []byte {
	t.Helper()
	require.Equal(t, 1, bytes.Count(data, []byte(old)), old)
	return bytes.Replace(data, []byte(old), []byte(other), 1)
}

// causes are all errors of the package.
var causes = []error{
	sns.ErrBody, sns.ErrMessage, sns.ErrHeader, sns.ErrTopic, sns.ErrRaw, sns.ErrVersion, sns.ErrURL,
	sns.ErrFetch, sns.ErrCertificate, sns.ErrSignature, sns.ErrConfirm, sns.ErrTime, sns.ErrUnauthorized,
	sns.ErrMisconfigured,
}

// shuffled returns the JSON with its members in another order than json has.
func (e envelope) shuffled() []byte {
	names := slices.Collect(maps.Keys(e))
	slices.Sort(names)
	slices.Reverse(names)
	var members []string
	for _, name := range names {
		value, err := json.Marshal(e[name])
		if err != nil {
			panic(err)
		}
		members = append(members, `"`+name+`" : `+string(value))
	}
	return []byte("{\n" + strings.Join(members, " ,\n") + "}\n")
}

var now = certstest.Now

func newPKI() *certstest.PKI { return certstest.New("sns.amazonaws.com") }

// amazon is SNS as a backend reaches it: the hosts of the regions, which serve
// the certificate at every address and confirm every subscription.
type amazon struct {
	certstest.Host
	file []byte // the certificate
}

func newAmazon() *amazon {
	a := &amazon{file: leafFile()}
	a.Default = func(r *http.Request) *http.Response {
		switch {
		case r.Method == http.MethodGet && strings.HasSuffix(r.URL.Path, ".pem"):
			return certstest.Response(http.StatusOK, a.file)
		case r.Method == http.MethodGet && r.URL.Query().Get("Action") == "ConfirmSubscription":
			return certstest.Response(http.StatusOK, []byte(`<ConfirmSubscriptionResponse/>`))
		}
		return certstest.Response(http.StatusBadRequest, nil)
	}
	return a
}

// leafFile is a genuine certificate as SNS serves it, without a chain.
var leafFile = sync.OnceValue(func() []byte {
	leaf, _, _ := newPKI().Issue()
	return certstest.PEM(leaf)
})

// bench is a verifier with its surroundings.
type bench struct {
	*sns.Verifier
	amazon *amazon
	now    time.Time
}

func newBench() *bench {
	b := &bench{amazon: newAmazon(), now: now}
	b.Verifier = &sns.Verifier{
		Topics:     []string{topicARN},
		HTTPClient: &http.Client{Transport: b.amazon},
		Now:        func() time.Time { return b.now },
	}
	return b
}

// verify verifies the message under a genuine signature.
func (b *bench) verify(m envelope) error {
	_, err := b.Verify(context.Background(), m.signed())
	return err
}

// requireCalls requires these calls of Amazon and no others.
func (b *bench) requireCalls(t testing.TB, want ...string) {
	t.Helper()
	require.Equal(t, want, b.amazon.Calls())
}

// reports keeps what a handler logs and observes.
type reports struct {
	log  bytes.Buffer
	seen []sns.Observation
}

func (r *reports) logger() *slog.Logger {
	return slog.New(slog.NewTextHandler(&r.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
}

func (r *reports) observe(_ context.Context, o sns.Observation) { r.seen = append(r.seen, o) }

// requireMisconfigured requires an observation and a log record of each of three
// calls of a handler that lacks a field, one of them at Error.
func (r *reports) requireMisconfigured(t *testing.T, want string) {
	t.Helper()
	require.Equal(t, 1, strings.Count(r.log.String(), "level=ERROR"), want)
	require.Equal(t, 2, strings.Count(r.log.String(), "level=DEBUG"), want)
	require.Equal(t, 3, strings.Count(r.log.String(), want))
	require.Len(t, r.seen, 3)
	for _, o := range r.seen {
		require.Equal(t, sns.Misconfigured, o.Outcome)
		require.ErrorIs(t, o.Err, sns.ErrMisconfigured)
		require.ErrorContains(t, o.Err, want)
	}
}
