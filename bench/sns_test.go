package bench

import (
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/alexaevents/alexaevents/internal/certs/certstest"
	"github.com/alexaevents/alexaevents/internal/compare"
	"github.com/alexaevents/alexaevents/sns"
)

const topicARN = "arn:aws:sns:us-east-2:123456789012:Alexa-events"

// A warm Verify of a notification of 1.5 KB, most of it an event: JSON in a
// JSON string, full of escapes.
func BenchmarkVerifySNS(b *testing.B) {
	key := certstest.Key()
	host := &certstest.Host{Default: func(*http.Request) *http.Response {
		return certstest.Response(http.StatusOK, certstest.PEM(certstest.New("sns.amazonaws.com").SelfSigned()))
	}}
	event, err := json.Marshal(map[string]any{
		"eventName": "AlexaDevelopmentEvent.ManifestUpdate", "timestamp": "2026-11-21T22:00:00Z", "requestId": "5f1e2d3c-4b5a-5697-8897-a6b5c4d3e2f1",
		"payload": map[string]any{
			"status": "SUCCEEDED", "actor": map[string]string{"customerId": "amzn1.account." + strings.Repeat("A", 28)},
			"skill":        map[string]string{"skillId": skillID, "vendorId": "M" + strings.Repeat("0", 13)},
			"subscription": map[string]string{"subscriptionId": "amzn1.ask-subscription." + strings.Repeat("1", 36)},
		},
	})
	require.NoError(b, err)
	const id, at = "0f52a3c4-7b1d-5e6f-8a9b-c0d1e2f3a4b5", "2026-11-21T22:00:01.123Z"
	signed := []byte("Message\n" + string(event) + "\nMessageId\n" + id + "\nTimestamp\n" + at + "\nTopicArn\n" + topicARN + "\nType\nNotification\n")
	sum := sha256.Sum256(signed)
	raw, err := rsa.SignPKCS1v15(nil, key, crypto.SHA256, sum[:])
	require.NoError(b, err)
	signature := base64.StdEncoding.EncodeToString(raw)
	data, err := json.MarshalIndent(map[string]string{
		"Type": "Notification", "MessageId": id, "TopicArn": topicARN, "Message": string(event), "Timestamp": at,
		"SignatureVersion": "2", "Signature": signature,
		"SigningCertURL": "https://sns.us-east-2.amazonaws.com/SimpleNotificationService-0123456789abcdef0123456789abcdef.pem",
		"UnsubscribeURL": "https://sns.us-east-2.amazonaws.com/?Action=Unsubscribe&SubscriptionArn=" + topicARN + ":" + id,
	}, "", "  ")
	require.NoError(b, err)

	verifier := &sns.Verifier{
		Topics: []string{topicARN}, RequireSHA256: true,
		HTTPClient: &http.Client{Transport: host}, Now: func() time.Time { return certstest.Now },
	}
	verify := func(int) {
		if _, err := verifier.Verify(b.Context(), data); err != nil {
			b.Fatal(err)
		}
	}
	verify(0)
	b.Run("against bare crypto", func(b *testing.B) {
		compare.Run(b, func(int) {
			decoded, err := base64.StdEncoding.DecodeString(signature)
			if err != nil {
				b.Fatal(err)
			}
			sum := sha256.Sum256(signed)
			if err := rsa.VerifyPKCS1v15(&key.PublicKey, crypto.SHA256, sum[:], decoded); err != nil {
				b.Fatal(err)
			}
		}, verify)
	})
	b.Run("allocations", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			verify(0)
		}
	})
}
