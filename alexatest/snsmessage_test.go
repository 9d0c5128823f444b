package alexatest_test

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/stretchr/testify/require"

	"github.com/alexaevents/alexaevents/alexatest"
	"github.com/alexaevents/alexaevents/sns"
)

var topicARNs = []string{
	topicARN,
	"arn:aws:sns:us-west-2:000011112222:x",
	"arn:aws:sns:eu-south-1:000011112222:x",
	"arn:aws:sns:us-east-1:000011112222:x.fifo",
	"arn:aws-cn:sns:cn-north-1:000011112222:x",
	"arn:aws-us-gov:sns:us-gov-east-1:000011112222:x",
	"arn:aws-eusc:sns:eusc-de-east-1:000011112222:x",
}

func TestSNSRequestsVerify(t *testing.T) {
	const text = "Ünïcode <&>\nMessageId\n\x00 \u2028"
	for _, arn := range topicARNs {
		for _, sha1 := range []bool{false, true} {
			t.Run(arn+" "+strconv.FormatBool(sha1), func(t *testing.T) {
				cloud := alexatest.NewCloud()
				cloud.SetTopic(alexatest.Topic{ARN: arn, SHA1: sha1})
				verifier := &sns.Verifier{Topics: []string{arn}, HTTPClient: cloud.Client()}
				body := bodyOf(t, cloud.NewSNSRequest(snsURL, arn, []byte(text)))
				m, err := verifier.Verify(t.Context(), body)
				require.NoError(t, err)
				require.Equal(t, []string{sns.Notification, arn, text}, []string{m.Type, m.TopicArn, m.Message})
				require.WithinDuration(t, time.Now(), m.Timestamp, time.Minute)

				chained := &sns.Verifier{
					Topics: verifier.Topics, HTTPClient: verifier.HTTPClient,
					Roots: cloud.Roots(), Intermediates: cloud.Intermediates(), RequireSHA256: true,
				}
				_, err = chained.Verify(t.Context(), body)
				require.Equal(t, sha1, errors.Is(err, sns.ErrVersion))
				require.Equal(t, sha1, err != nil)
			})
		}
	}
}

func TestSNSRequest(t *testing.T) {
	cloud := alexatest.NewCloud()
	b := newBackend(cloud, topicARN)
	first, second := cloud.NewSNSRequest(snsURL, topicARN, []byte("{}")), cloud.NewSNSRequest(snsURL, topicARN, []byte("{}"))
	require.Equal(t, 200, serve(b, first))
	require.Equal(t, 200, serve(b, second))
	require.NotEqual(t, b.messages[0].ID, b.messages[1].ID)
	require.Equal(t, 1, cloud.Calls("https://sns.us-east-2.amazonaws.com/SimpleNotificationService-"))
	require.Equal(t, "https://backend.example/sns", first.URL.String())
	want := http.Header{
		"Content-Type":               {"text/plain; charset=UTF-8"},
		"User-Agent":                 {"Amazon Simple Notification Service Agent"},
		"X-Amz-Sns-Message-Type":     {"Notification"},
		"X-Amz-Sns-Message-Id":       {b.messages[0].ID},
		"X-Amz-Sns-Topic-Arn":        {topicARN},
		"X-Amz-Sns-Subscription-Arn": {first.Header.Get("X-Amz-Sns-Subscription-Arn")},
	}
	require.Empty(t, cmp.Diff(want, first.Header))
	require.True(t, strings.HasPrefix(first.Header.Get("X-Amz-Sns-Subscription-Arn"), topicARN+":"))

	server := httptest.NewServer(b)
	defer server.Close()
	response, err := http.DefaultClient.Do(cloud.NewSNSRequest(server.URL, topicARN, []byte("over the wire")))
	require.NoError(t, err)
	require.NoError(t, response.Body.Close())
	require.Equal(t, 200, response.StatusCode)
	require.Equal(t, []string{"{}", "{}", "over the wire"}, b.texts())
}

func TestCertificatesOfSNSRotate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cloud := alexatest.NewCloud()
		b := newBackend(cloud, topicARN)
		const certificates = "https://sns.us-east-2.amazonaws.com/SimpleNotificationService-"
		old := bodyOf(t, cloud.NewSNSRequest(snsURL, topicARN, nil))
		cloud.RotateCertificate(time.Hour)
		require.Equal(t, 200, serve(b, cloud.NewSNSRequest(snsURL, topicARN, nil)))
		require.Equal(t, 1, cloud.Calls(certificates))
		require.Equal(t, 200, serve(b, httptest.NewRequest(http.MethodPost, "/", bytes.NewReader(old))))
		require.Equal(t, 2, cloud.Calls(certificates))
		time.Sleep(2 * time.Hour)
		require.Equal(t, 400, serve(b, cloud.NewSNSRequest(snsURL, topicARN, nil)), "expired")
	})
}

func hostOf(arn string) string {
	domain := map[string]string{"aws-cn": "amazonaws.com.cn", "aws-eusc": "amazonaws.eu"}[strings.Split(arn, ":")[1]]
	if domain == "" {
		domain = "amazonaws.com"
	}
	return "https://sns." + strings.Split(arn, ":")[3] + "." + domain
}

// Every forgery is refused for the reason in its name.
func TestSNSForgeriesAreRefused(t *testing.T) {
	reasons := map[string]error{
		"another account's topic of the same name":       sns.ErrTopic,
		"another topic's message in this one's name":     sns.ErrSignature,
		"a subscription to another account's topic":      sns.ErrTopic,
		"a subscription that SNS did not ask for":        sns.ErrSignature,
		"a subscription that another host confirms":      sns.ErrURL,
		"a changed message":                              sns.ErrSignature,
		"a changed time":                                 sns.ErrSignature,
		"a changed ID":                                   sns.ErrSignature,
		"a subject that is not signed":                   sns.ErrSignature,
		"a line moved from the message into the subject": sns.ErrMessage,
		"no signature":                                   sns.ErrSignature,
		"a signature that is not base64":                 sns.ErrSignature,
		"a signature that is too short":                  sns.ErrSignature,
		"a signature by another key":                     sns.ErrSignature,
		"a SHA-1 signature called one of version 2":      sns.ErrSignature,
		"an unknown signature version":                   sns.ErrVersion,
		"no certificate URL":                             sns.ErrURL,
		"a certificate from another host":                sns.ErrURL,
		"a certificate from a bucket named sns":          sns.ErrURL,
		"a certificate of another region":                sns.ErrURL,
		"a certificate from another path":                sns.ErrURL,
		"a certificate that does not exist":              sns.ErrCertificate,
		"a certificate over plain HTTP":                  sns.ErrURL,
		"a certificate for another name":                 sns.ErrCertificate,
		"a certificate for every name":                   sns.ErrCertificate,
		"an expired certificate":                         sns.ErrCertificate,
		"a raw message, which has no signature":          sns.ErrMessage,
		"two members Message, one of them signed":        sns.ErrMessage,
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
