package alexatest_test

import (
	"bytes"
	"io"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/stretchr/testify/require"

	"github.com/alexaevents/alexaevents/alexatest"
	"github.com/alexaevents/alexaevents/sns"
)

// Every forgery is refused for the reason in its name, and for no other.
func TestSNSForgeriesAreRefused(t *testing.T) {
	reasons := map[string]error{
		"another account's topic of the same name":   sns.ErrTopic,
		"another topic's message in this one's name": sns.ErrSignature,
		"a subscription to another account's topic":  sns.ErrTopic,
		"a subscription that SNS did not ask for":    sns.ErrSignature,
		"a subscription that is confirmed elsewhere": sns.ErrURL,
		"a changed text":                              sns.ErrSignature,
		"a changed time":                              sns.ErrSignature,
		"a changed ID":                                sns.ErrSignature,
		"a subject that is not signed":                sns.ErrSignature,
		"a line moved from the text into the subject": sns.ErrMessage,
		"no signature":                                sns.ErrSignature,
		"a signature that is not base64":              sns.ErrSignature,
		"a signature that is too short":               sns.ErrSignature,
		"a signature by another key":                  sns.ErrSignature,
		"a SHA-1 signature called one of version 2":   sns.ErrSignature,
		"a version that there is not":                 sns.ErrVersion,
		"no certificate URL":                          sns.ErrURL,
		"a certificate from another host":             sns.ErrURL,
		"a certificate from a bucket named sns":       sns.ErrURL,
		"a certificate of another region":             sns.ErrURL,
		"a certificate from another path":             sns.ErrURL,
		"a certificate that does not exist":           sns.ErrCertificate,
		"a certificate over plain HTTP":               sns.ErrURL,
		"a certificate for another name":              sns.ErrCertificate,
		"a certificate for every name":                sns.ErrCertificate,
		"an expired certificate":                      sns.ErrCertificate,
		"a raw message, which has no signature":       sns.ErrMessage,
		"two texts, one of them signed":               sns.ErrMessage,
	}
	for _, arn := range topicARNs {
		t.Run(arn, func(t *testing.T) {
			cloud := alexatest.NewCloud()
			b := newBackend(cloud, arn)
			seen := map[string]error{}
			for name, r := range cloud.SNSForgeries(snsURL, arn, []byte(`{"eventName":"x"}`)) {
				body := bodyOf(t, r)
				r.Body = io.NopCloser(bytes.NewReader(body))
				require.Equal(t, 400, serve(b, r), name)
				_, err := b.Verifier.Verify(t.Context(), body)
				require.ErrorIs(t, err, reasons[name], name)
				seen[name] = reasons[name]
			}
			require.Empty(t, cmp.Diff(reasons, seen, cmpopts.EquateErrors()))
			require.Empty(t, b.messages)
			require.Equal(t, cloud.Calls(hostOf(arn)+"/Simple"), cloud.Calls(hostOf(arn)), "nothing was confirmed")
			require.Equal(t, 200, serve(b, cloud.NewSNSRequest(snsURL, arn, []byte("genuine"))))
			require.Equal(t, []string{"genuine"}, b.texts())
		})
	}
	for stop := range len(reasons) { // the caller may stop anywhere
		if stop%5 > 1 {
			continue
		}
		n := 0
		for range alexatest.NewCloud().SNSForgeries(snsURL, topicARN, nil) {
			if n++; n > stop {
				break
			}
		}
	}
}
