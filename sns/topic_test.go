package sns

import (
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestParseTopic(t *testing.T) {
	for arn, host := range map[string]string{
		"arn:aws:sns:us-east-2:123456789012:t":            "sns.us-east-2.amazonaws.com",
		"arn:aws:sns:mx-central-1:123456789012:A-z_0":     "sns.mx-central-1.amazonaws.com",
		"arn:aws:sns:us-east-2:123456789012:t.fifo":       "sns.us-east-2.amazonaws.com",
		"arn:aws-us-gov:sns:us-gov-west-1:123456789012:t": "sns.us-gov-west-1.amazonaws.com",
		"arn:aws-cn:sns:cn-northwest-1:123456789012:t":    "sns.cn-northwest-1.amazonaws.com.cn",
		"arn:aws-eusc:sns:eusc-de-east-1:123456789012:t":  "sns.eusc-de-east-1.amazonaws.eu",
		"":                                   "",
		"*":                                  "",
		"arn:aws:sns:us-east-2:123456789012": "",
		"arn:aws:sns:us-east-2:123456789012:t:3f1a":             "", // a subscription
		"arn:aws:sns:us-east-2:123456789012:":                   "",
		"arn:aws:sns:us-east-2:123456789012:.fifo":              "",
		"arn:aws:sns:us-east-2:123456789012:t.t":                "",
		"arn:aws:sns:us-east-2:123456789012:t\n":                "",
		"arn:aws:sns:us-east-2:123456789012:*":                  "",
		"arn:aws:sns:us-east-2:12345678901:t":                   "",
		"arn:aws:sns:us-east-2:12345678901x:t":                  "",
		"arn:aws:sns:us-east-2:1234567890123:t":                 "",
		"arn:aws:sns::123456789012:t":                           "",
		"arn:aws:sns:s3:123456789012:t":                         "",
		"arn:aws:sns:s3-us-west-2:123456789012:t":               "",
		"arn:aws:sns:us-east-2.s3:123456789012:t":               "",
		"arn:aws:sns:us-east-2/:123456789012:t":                 "",
		"arn:aws:sns:us-east-2@evil-example-1:123456789012:t":   "",
		"arn:aws:sns:US-EAST-2:123456789012:t":                  "",
		"arn:aws:sns:us-east-:123456789012:t":                   "",
		"arn:aws:sns:east-2:123456789012:t":                     "",
		"arn:aws:sns:us-east-two:123456789012:t":                "",
		"arn:aws:sqs:us-east-2:123456789012:t":                  "",
		"arn:aws:s3:us-east-2:123456789012:t":                   "",
		"urn:aws:sns:us-east-2:123456789012:t":                  "",
		"arn:AWS:sns:us-east-2:123456789012:t":                  "",
		"arn:aws-iso:sns:us-iso-east-1:123456789012:t":          "", // its hosts are not known
		"arn:aws:sns:cn-north-1:123456789012:t":                 "",
		"arn:aws:sns:us-gov-west-1:123456789012:t":              "",
		"arn:aws:sns:eusc-de-east-1:123456789012:t":             "",
		"arn:aws-cn:sns:us-east-2:123456789012:t":               "",
		"arn:aws-us-gov:sns:us-east-2:123456789012:t":           "",
		"arn:aws-eusc:sns:eu-central-1:123456789012:t":          "",
		"arn:aws:sns:us-east-2:123456789012:ü":                  "",
		" arn:aws:sns:us-east-2:123456789012:t":                 "",
		"arn:aws:sns:us-east-2:" + "１２３４" + ":t":                "",
		"arn:aws:sns:us-east-2:123456789012:t arn:aws:sns:x:1:": "",
	} {
		parsed, ok := parseTopic(arn)
		require.Equal(t, host != "", ok, arn)
		if ok {
			require.Equal(t, host, parsed.host(), arn)
		}
	}
}

func TestCertificateURL(t *testing.T) {
	topic, ok := parseTopic("arn:aws:sns:us-west-2:123456789012:t")
	require.True(t, ok)
	const host = "https://sns.us-west-2.amazonaws.com"
	for _, good := range []string{
		host + "/SimpleNotificationService-0123456789abcdef0123456789ABCDEF.pem",
		host + "/SimpleNotificationService-a.pem",
	} {
		require.NoError(t, topic.checkCertificateURL(good))
	}
	const file = "/SimpleNotificationService-a.pem"
	for _, bad := range []string{
		"", "x", "/", host, host + "/", file,

		// Hosts that look like those of SNS, and that any AWS customer can own.
		"https://sns.s3-us-west-2.amazonaws.com" + file,
		"https://sns.s3.us-west-2.amazonaws.com" + file,
		"https://sns.s3.amazonaws.com" + file,
		"https://s3.us-west-2.amazonaws.com" + file,
		"https://s3.amazonaws.com/sns.us-west-2.amazonaws.com" + file,
		"https://sns.us-west-2.amazonaws.com.example.com" + file,
		"https://example.com/sns.us-west-2.amazonaws.com" + file,
		"https://sns-us-west-2.amazonaws.com" + file,
		"https://xsns.us-west-2.amazonaws.com" + file,
		"https://x.sns.us-west-2.amazonaws.com" + file,
		"https://sns.us-west-2.amazonaws.com." + file,
		"https://sns.us-west-2.amazonaws.com.cn" + file,
		"https://sns.us-west-2.amazonaws.co" + file,
		"https://sns.us-west-2.amazonaws.eu" + file,
		"https://sns.us-west-2xamazonaws.com" + file,
		"https://sns.us-west-1.amazonaws.com" + file,
		"https://sns.us-east-1.amazonaws.com" + file,
		"https://sns.amazonaws.com" + file,
		"https://sqs.us-west-2.amazonaws.com" + file,
		"https://SNS.us-west-2.amazonaws.com" + file,
		"https://sns.us-west-2.amazonaws。com" + file,

		// Other parts of a URL.
		"http://sns.us-west-2.amazonaws.com" + file,
		"HTTPS://sns.us-west-2.amazonaws.com" + file,
		"//sns.us-west-2.amazonaws.com" + file,
		"https:sns.us-west-2.amazonaws.com" + file,
		"https://sns.us-west-2.amazonaws.com:443" + file,
		"https://sns.us-west-2.amazonaws.com:8443" + file,
		"https://sns.us-west-2.amazonaws.com:" + file,
		"https://user@sns.us-west-2.amazonaws.com" + file,
		"https://sns.us-west-2.amazonaws.com@example.com" + file,
		"https://sns.us-west-2.amazonaws.com%2f@example.com" + file,
		`https://sns.us-west-2.amazonaws.com\@example.com` + file,
		`https://example.com\@sns.us-west-2.amazonaws.com` + file,
		host + file + "?x", host + file + "?", host + file + "#x", host + file + "#",
		host + file + " ", " " + host + file, host + file + "\n", host + file + "\x00",
		host + "?" + file, host + "#" + file,

		// Other paths.
		host + "/SimpleNotificationService-.pem",
		host + "/SimpleNotificationService-a.PEM",
		host + "/SimpleNotificationService-a.pem/",
		host + "/SimpleNotificationService-a.cer",
		host + "/SimpleNotificationService-a",
		host + "/simplenotificationservice-a.pem",
		host + "/SimpleNotificationService-a-b.pem",
		host + "/SimpleNotificationService-a.b.pem",
		host + "/SimpleNotificationService-a%62.pem",
		host + "/SimpleNotificationService-é.pem",
		host + "/SimpleNotificationService-../x.pem",
		host + "/x/../SimpleNotificationService-a.pem",
		host + "/./SimpleNotificationService-a.pem",
		host + "//SimpleNotificationService-a.pem",
		host + `\SimpleNotificationService-a.pem`,
		host + "/x/SimpleNotificationService-a.pem",
		host + "/x-SimpleNotificationService-a.pem",
		host + "/?Action=Publish&x=.pem",
		host + "/.pem",
	} {
		require.ErrorIs(t, topic.checkCertificateURL(bad), ErrURL, bad)
	}
}

func TestSubscribeURL(t *testing.T) {
	topic, ok := parseTopic("arn:aws:sns:us-west-2:123456789012:t")
	require.True(t, ok)
	const host = "https://sns.us-west-2.amazonaws.com"
	require.NoError(t, topic.checkSubscribeURL(host+"/?Action=ConfirmSubscription&TopicArn=arn:aws:sns:us-west-2:123456789012:t&Token=a"))
	for _, bad := range []string{
		"", host, host + "?Action=ConfirmSubscription", host + ":443/", host + "@example.com/", host + ".example.com/", host + `\@example.com/`,
		"http://sns.us-west-2.amazonaws.com/", "https://sns.us-west-1.amazonaws.com/", "https://sns.s3-us-west-2.amazonaws.com/",
		"https://169.254.169.254/", "https://localhost/", " " + host + "/",
	} {
		require.ErrorIs(t, topic.checkSubscribeURL(bad), ErrURL, bad)
	}
}

// In each accepted URL, every parser finds a host of SNS.
func FuzzURLs(f *testing.F) {
	const arn = "arn:aws:sns:us-west-2:123456789012:t"
	f.Add(arn, "https://sns.us-west-2.amazonaws.com/SimpleNotificationService-a.pem")
	f.Add("arn:aws-cn:sns:cn-north-1:123456789012:t", "https://sns.cn-north-1.amazonaws.com.cn/?x")
	f.Add("arn:aws:sns:s3-us-west-2:123456789012:t", "https://sns.s3-us-west-2.amazonaws.com/SimpleNotificationService-a.pem")
	f.Fuzz(func(t *testing.T, arn, raw string) {
		topic, ok := parseTopic(arn)
		if !ok {
			return
		}
		require.Regexp(t, `^sns\.[a-z-]+-[0-9]+\.amazonaws\.(com|com\.cn|eu)$`, topic.host())
		require.Contains(t, arn, ":"+topic.region+":")
		if topic.checkCertificateURL(raw) == nil {
			u, err := url.Parse(raw)
			require.NoError(t, err)
			require.Equal(t, raw, (&url.URL{Scheme: "https", Host: topic.host(), Path: u.Path}).String())
			require.Regexp(t, `^/SimpleNotificationService-[A-Za-z0-9]+\.pem$`, u.Path)
			require.NoError(t, topic.checkSubscribeURL(raw), "looser")
		}
		if topic.checkSubscribeURL(raw) == nil {
			if u, err := url.Parse(raw); err == nil {
				require.Equal(t, topic.host(), u.Host)
				require.Nil(t, u.User)
				require.True(t, strings.HasPrefix(u.Path, "/"))
			}
		}
	})
}
