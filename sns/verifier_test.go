package sns_test

import (
	"crypto/fips140"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/alexaevents/alexaevents/internal/certs/certstest"
	"github.com/alexaevents/alexaevents/sns"
)

func TestGenuine(t *testing.T) {
	want := sns.Message{
		Type: "Notification", ID: id, TopicArn: topicARN, Message: text,
		Timestamp: time.Date(2026, 3, 1, 11, 59, 58, 123e6, time.UTC),
	}
	withSubject := want
	withSubject.Subject = "A subject, 100 % ASCII"
	confirming := want
	confirming.Type, confirming.Token, confirming.Message = "SubscriptionConfirmation", tokenA, "You have chosen\nto subscribe"
	ended := confirming
	ended.Type = "UnsubscribeConfirmation"
	longest := want
	longest.Subject = strings.Repeat("x", 4<<10-len(`""`))
	verification := want
	verification.Message = "{}"

	for name, test := range map[string]struct {
		message envelope
		want    sns.Message
	}{
		"notification":               {notification(), want},
		"with a subject":             {notification().with("Subject", withSubject.Subject), withSubject},
		"in another zone":            {notification().with("Timestamp", "2026-03-01T12:59:58.123+01:00"), want},
		"with an empty subject":      {notification().with("Subject", ""), want},
		"with null for a subject":    {notification().with("Subject", nil), want},
		"with members of the future": {notification().with("SequenceNumber", "1").with("New", []int{1}), want},
		"an empty object":            {notification().with("Message", "{}"), verification},
		"with the longest subject":   {notification().with("Subject", longest.Subject), longest},
		"a token that is not signed": {notification().with("Token", "forged").with("SubscribeURL", "forged"), want},
		"subscription":               {confirmation("SubscriptionConfirmation"), confirming},
		"with a stray subject":       {confirmation("SubscriptionConfirmation").with("Subject", "forged"), confirming},
		"unsubscription":             {confirmation("UnsubscribeConfirmation"), ended},
	} {
		for _, version := range []string{"1", "2"} {
			t.Run(name+", version "+version, func(t *testing.T) {
				b := newBench()
				e := test.message.with("SignatureVersion", version)
				e["Signature"] = sign(certstest.Key(), version, e.text())
				for _, data := range [][]byte{e.json(), e.shuffled(), lambdaSpelling(e).json()} {
					got, err := b.Verify(t.Context(), data)
					require.NoError(t, err)
					require.Empty(t, cmp.Diff(&test.want, got))
					require.Equal(t, time.UTC, got.Timestamp.Location())
				}
				b.requireCalls(t, certURL)
			})
		}
	}
}

// lambdaSpelling spells the members as they are spelled in Lambda's events.
func lambdaSpelling(e envelope) envelope {
	for _, name := range []string{"SigningCertURL", "SubscribeURL", "UnsubscribeURL"} {
		if value, ok := e[name]; ok {
			e = e.without(name).with(strings.Replace(name, "URL", "Url", 1), value)
		}
	}
	return e
}

// Every member that is signed, changed, added or left out, and every other that
// matters.
func TestTampered(t *testing.T) {
	const other = "7d52a3c4-7b1d-5e6f-8a9b-c0d1e2f3a4b5"
	subject := notification().with("Subject", "s")
	subscription := confirmation("SubscriptionConfirmation")
	for name, test := range map[string]struct {
		signed  envelope
		forge   func(envelope) envelope
		want    error
		noFetch bool
	}{
		"message":               {notification(), set("Message", text+" "), sns.ErrSignature, false},
		"message id":            {notification(), set("MessageId", other), sns.ErrSignature, false},
		"timestamp":             {notification(), set("Timestamp", "2026-03-01T11:59:58.124Z"), sns.ErrSignature, false},
		"timestamp's zone":      {notification(), set("Timestamp", "2026-03-01T12:59:58.123+01:00"), sns.ErrSignature, false},
		"subject":               {subject, set("Subject", "t"), sns.ErrSignature, false},
		"subject removed":       {subject, unset("Subject"), sns.ErrSignature, false},
		"subject emptied":       {subject, set("Subject", ""), sns.ErrSignature, false},
		"subject nulled":        {subject, set("Subject", nil), sns.ErrSignature, false},
		"subject added":         {notification(), set("Subject", "t"), sns.ErrSignature, false},
		"empty subject added":   {notification(), set("Subject", ""), sns.ErrSignature, false},
		"topic of the list":     {notification(), set("TopicArn", topicARN+"-2"), sns.ErrSignature, false},
		"type":                  {subscription, set("Type", "UnsubscribeConfirmation"), sns.ErrSignature, false},
		"type, to a message":    {subscription, set("Type", "Notification"), sns.ErrSignature, false},
		"token":                 {subscription, set("Token", "x"), sns.ErrSignature, false},
		"subscribe URL":         {subscription, set("SubscribeURL", "https://sns.us-east-2.amazonaws.com/x"), sns.ErrSignature, false},
		"version":               {notification(), set("SignatureVersion", "1"), sns.ErrSignature, false},
		"version, the other":    {notification().with("SignatureVersion", "1"), set("SignatureVersion", "2"), sns.ErrSignature, false},
		"version 3":             {notification(), set("SignatureVersion", "3"), sns.ErrVersion, true},
		"version empty":         {notification(), set("SignatureVersion", ""), sns.ErrVersion, true},
		"version as a number":   {notification(), set("SignatureVersion", 2), sns.ErrMessage, true},
		"version missing":       {notification(), unset("SignatureVersion"), sns.ErrVersion, true},
		"signature missing":     {notification(), unset("Signature"), sns.ErrSignature, true},
		"signature null":        {notification(), set("Signature", nil), sns.ErrSignature, true},
		"signature garbage":     {notification(), set("Signature", "....$#%@$se"), sns.ErrSignature, true},
		"signature short":       {notification(), set("Signature", "aGVsbG8="), sns.ErrSignature, true},
		"signature unpadded":    {notification(), strip("Signature", "="), sns.ErrSignature, true},
		"signature with break":  {notification(), insert("Signature", "\n"), sns.ErrSignature, true},
		"signature, loose bits": {notification(), loosen, sns.ErrSignature, true},
		"signature of zeros":    {notification(), set("Signature", base64.StdEncoding.EncodeToString(make([]byte, 256))), sns.ErrSignature, false},
		"signature too long":    {notification(), set("Signature", base64.StdEncoding.EncodeToString(make([]byte, 384))), sns.ErrSignature, false},
		"URL missing":           {notification(), unset("SigningCertURL"), sns.ErrURL, true},
		"URL of another host":   {notification(), set("SigningCertURL", "https://example.com/SimpleNotificationService-0a1B2c.pem"), sns.ErrURL, true},
		"URL in two spellings":  {notification(), set("SigningCertUrl", certURL), sns.ErrMessage, true},
		"another topic":         {notification(), set("TopicArn", topicARN+"-3"), sns.ErrTopic, true},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench()
			b.Topics = append(b.Topics, topicARN+"-2")
			e := test.signed.with("Signature", sign(certstest.Key(), test.signed["SignatureVersion"], test.signed.text()))
			_, err := b.Verify(t.Context(), e.json())
			require.NoError(t, err)
			fresh := newBench()
			fresh.Topics = b.Topics
			m, err := fresh.Verify(t.Context(), test.forge(e).json())
			require.ErrorIs(t, err, test.want)
			require.Nil(t, m)
			require.Equal(t, test.noFetch, len(fresh.amazon.Calls()) == 0)
		})
	}

	b := newBench()
	_, err := b.Verify(t.Context(), notification().signedBy(certstest.OtherKey()))
	require.ErrorIs(t, err, sns.ErrSignature, "another key")
}

func set(name string, value any) func(envelope) envelope {
	return func(e envelope) envelope { return e.with(name, value) }
}

func unset(name string) func(envelope) envelope {
	return func(e envelope) envelope { return e.without(name) }
}

func strip(name, cutset string) func(envelope) envelope {
	return func(e envelope) envelope { return e.with(name, strings.TrimRight(e[name].(string), cutset)) }
}

func insert(name, text string) func(envelope) envelope {
	return func(e envelope) envelope { return e.with(name, e[name].(string)[:76]+text+e[name].(string)[76:]) }
}

func loosen(e envelope) envelope {
	return e.with("Signature", certstest.Loosen(e["Signature"].(string)))
}

// Invalid messages are refused although they are signed, and without a request.
func TestNotAMessage(t *testing.T) {
	subscription := confirmation("SubscriptionConfirmation")
	good := notification().signed()
	tests := map[string][]byte{
		"nothing":                  nil,
		"null":                     []byte("null"),
		"no object":                []byte(`["Type","Notification"]`),
		"an empty object":          []byte("{}"),
		"not JSON":                 []byte("Notification"),
		"cut":                      good[:len(good)-1],
		"two documents":            slices.Concat(good, good),
		"a byte order mark":        slices.Concat([]byte("\ufeff"), good),
		"Message twice":            replaced(t, good, `{"Message":`, `{"Message":"x","Message":`),
		"Message twice, escaped":   replaced(t, good, `{"Message":`, `{"M\u0065ssage":"x","Message":`),
		"two spellings":            replaced(t, good, `{"Message":`, `{"SigningCertUrl":"x","Message":`),
		"invalid UTF-8":            replaced(t, good, "Ünïcode", "\xdcn\xefcode"),
		"Latin-1 in the signature": replaced(t, good, `"SignatureVersion":"2"`, "\"SignatureVersion\":\"2\xa0\""),
		"another case":             replaced(t, good, `"Type":"Notification"`, `"type":"Notification"`),
	}
	add := func(name string, e envelope) { tests[name] = e.signed() }
	for _, name := range []string{"Type", "MessageId", "TopicArn", "Message", "Timestamp"} {
		add("no "+name, notification().without(name))
		add(name+" is null", notification().with(name, nil))
		add(name+" is a number", notification().with(name, 1))
		add(name+" is an object", notification().with(name, map[string]string{}))
	}
	for _, name := range []string{"Token", "SubscribeURL"} {
		add("no "+name, subscription.without(name))
		add(name+" is a list", subscription.with(name, []string{"x"}))
		add("a line break in "+name, subscription.with(name, subscription[name].(string)+"\nToken"))
	}
	for _, name := range []string{"MessageId", "Timestamp", "TopicArn", "Type"} {
		for _, lineBreak := range []string{"\n", "\r", "\r\n"} {
			add(fmt.Sprintf("%q in %s", lineBreak, name), notification().with(name, notification()[name].(string)+lineBreak))
			add(fmt.Sprintf("%q before %s", lineBreak, name), notification().with(name, lineBreak+notification()[name].(string)))
		}
	}
	for _, name := range []string{"Subject", "Timestamp", "SigningCertURL"} {
		add(name+" too long", notification().with(name, strings.Repeat("x", 1<<13)))
	}
	add("Subject a byte too long", notification().with("Subject", strings.Repeat("x", 4<<10-len(`""`)+1)))
	add("a line break in Subject", notification().with("Subject", "a\nTimestamp"))
	add("a carriage return in Subject", notification().with("Subject", "a\r"))
	for _, messageType := range []string{"", "notification", "Notification ", "Other"} {
		add(fmt.Sprintf("type %q", messageType), notification().with("Type", messageType))
	}
	for _, messageID := range []string{"", "1", strings.ReplaceAll(id, "-", ""), "{" + id[2:] + "}", "urn:uuid:" + id, id + " ", id[:35] + "g", strings.Repeat("-", 36), id[:8] + "0" + id[9:]} {
		add(fmt.Sprintf("message id %q", messageID), notification().with("MessageId", messageID))
	}
	for _, at := range []string{"", "now", "2026-03-01", "2026-03-01T11:59:58", "1772366400000", "2026-02-30T00:00:00Z"} {
		add(fmt.Sprintf("timestamp %q", at), notification().with("Timestamp", at))
	}
	for name, data := range tests {
		t.Run(name, func(t *testing.T) {
			b := newBench()
			m, err := b.Verify(t.Context(), data)
			require.ErrorIs(t, err, sns.ErrMessage)
			require.Nil(t, m)
			require.Empty(t, b.amazon.Calls())
		})
	}
}

// A publisher chooses the text of the first signed member. Lines in it that look like
// other members do not change those.
func TestLineBreaksMoveNothing(t *testing.T) {
	const other = "7d52a3c4-7b1d-5e6f-8a9b-c0d1e2f3a4b5"
	b := newBench()
	hostile := notification().with("Message", "x\nMessageId\n"+other+"\nSubject\ny")
	signature := sign(certstest.Key(), "2", hostile.text())
	m, err := b.Verify(t.Context(), hostile.with("Signature", signature).json())
	require.NoError(t, err)
	require.Equal(t, hostile["Message"], m.Message)

	forged := notification().with("Message", "x").with("MessageId", other).with("Subject", "y\nMessageId\n"+id)
	require.Equal(t, hostile.text(), forged.text(), "one signature for both")
	_, err = b.Verify(t.Context(), forged.with("Signature", signature).json())
	require.ErrorIs(t, err, sns.ErrMessage)
}

func TestTopics(t *testing.T) {
	b := newBench()
	for name, test := range map[string]struct {
		topics []string
		arn    string
		want   error
	}{
		"listed":           {[]string{"x", topicARN}, topicARN, nil},
		"none":             {nil, topicARN, sns.ErrTopic},
		"another":          {[]string{topicARN + "2"}, topicARN, sns.ErrTopic},
		"a prefix":         {[]string{topicARN}, topicARN[:len(topicARN)-1], sns.ErrTopic},
		"another case":     {[]string{topicARN}, strings.ToLower(topicARN), sns.ErrTopic},
		"empty":            {[]string{""}, "", sns.ErrTopic},
		"a pattern":        {[]string{"*", "arn:aws:sns:*:*:*"}, topicARN, sns.ErrTopic},
		"the pattern":      {[]string{"arn:aws:sns:*:*:*"}, "arn:aws:sns:*:*:*", sns.ErrTopic},
		"no ARN":           {[]string{"topic"}, "topic", sns.ErrTopic},
		"another service":  {[]string{"arn:aws:sqs:us-east-2:123456789012:q"}, "arn:aws:sqs:us-east-2:123456789012:q", sns.ErrTopic},
		"a bucket's label": {[]string{"arn:aws:sns:s3-us-west-2:123456789012:t"}, "arn:aws:sns:s3-us-west-2:123456789012:t", sns.ErrTopic},
	} {
		t.Run(name, func(t *testing.T) {
			b.Topics = test.topics
			require.ErrorIs(t, b.verify(notification().with("TopicArn", test.arn)), test.want)
		})
	}
	b.requireCalls(t, certURL)
	b.Topics = nil
	m := &sns.Message{Type: sns.SubscriptionConfirmation, TopicArn: topicARN, Token: "x"}
	require.ErrorIs(t, b.Confirm(t.Context(), m), sns.ErrTopic)
	b.requireCalls(t, certURL)
}

func TestRequireSHA256(t *testing.T) {
	b := newBench()
	b.RequireSHA256 = true
	require.NoError(t, b.verify(notification()))
	err := b.verify(notification().with("SignatureVersion", "1"))
	require.ErrorIs(t, err, sns.ErrVersion)
	require.ErrorContains(t, err, "set the attribute SignatureVersion of the topic to 2")

	downgraded := notification().with("SignatureVersion", "1")
	data := downgraded.with("SignatureVersion", "2").with("Signature", sign(certstest.Key(), "1", downgraded.text())).json()
	_, err = b.Verify(t.Context(), data)
	require.ErrorIs(t, err, sns.ErrSignature, "SHA-1 under the other version")
}

// Each partition and region has its hosts and names in certificates.
func TestRegions(t *testing.T) {
	for _, test := range []struct {
		arn, host string
		names     []string // in certificates
	}{
		{"arn:aws:sns:us-east-1:123456789012:t", "sns.us-east-1.amazonaws.com", []string{"sns.amazonaws.com", "sns-signing.us-east-1.amazonaws.com"}},
		{"arn:aws:sns:ap-southeast-7:123456789012:t", "sns.ap-southeast-7.amazonaws.com", []string{"sns-signing.ap-southeast-7.amazonaws.com", "sns.amazonaws.com"}},
		{"arn:aws-us-gov:sns:us-gov-east-1:123456789012:t", "sns.us-gov-east-1.amazonaws.com", []string{"sns-us-gov-west-1.amazonaws.com", "sns-signing.us-gov-east-1.amazonaws.com"}},
		{"arn:aws-cn:sns:cn-north-1:123456789012:t", "sns.cn-north-1.amazonaws.com.cn", []string{"sns-cn-north-1.amazonaws.com.cn"}},
		{"arn:aws-cn:sns:cn-northwest-1:123456789012:t", "sns.cn-northwest-1.amazonaws.com.cn", []string{"sns-cn-northwest-1.amazonaws.com.cn"}},
		{"arn:aws-eusc:sns:eusc-de-east-1:123456789012:t.fifo", "sns.eusc-de-east-1.amazonaws.eu", []string{"sns-signing.eusc-de-east-1.amazonaws.eu"}},
	} {
		all := []string{
			"sns.amazonaws.com", "sns.amazonaws.com.cn", "sns.amazonaws.eu", "*.amazonaws.com", test.host,
			"sns-signing.us-east-1.amazonaws.com", "sns-signing.ap-southeast-7.amazonaws.com", "sns-signing.us-gov-east-1.amazonaws.com",
			"sns-signing.eusc-de-east-1.amazonaws.eu", "sns-signing.eusc-de-east-1.amazonaws.com",
			"sns-us-gov-west-1.amazonaws.com", "sns-cn-north-1.amazonaws.com.cn", "sns-cn-northwest-1.amazonaws.com.cn",
		}
		for _, name := range all {
			t.Run(test.host+" as "+name, func(t *testing.T) {
				p := newPKI()
				p.Leaf.DNSNames = []string{name}
				leaf, _, _ := p.Issue()
				b := newBench()
				b.amazon.file = certstest.PEM(leaf)
				b.Topics = []string{test.arn}
				url := "https://" + test.host + "/SimpleNotificationService-1.pem"
				err := b.verify(notification().with("TopicArn", test.arn).with("SigningCertURL", url))
				b.requireCalls(t, url)
				if slices.Contains(test.names, name) {
					require.NoError(t, err)
				} else {
					require.ErrorIs(t, err, sns.ErrCertificate)
				}
			})
		}
		for _, other := range []string{"sns.us-east-2.amazonaws.com", "sns.cn-south-1.amazonaws.com.cn", test.host + ".cn", strings.TrimSuffix(test.host, ".cn")} {
			if other == test.host {
				continue
			}
			b := newBench()
			b.Topics = []string{test.arn}
			url := "https://" + other + "/SimpleNotificationService-1.pem"
			require.ErrorIs(t, b.verify(notification().with("TopicArn", test.arn).with("SigningCertURL", url)), sns.ErrURL, other)
			require.Empty(t, b.amazon.Calls())
		}
	}
}

// A message of another topic is refused with the ARN, so that a wrong list shows.
func TestUnlistedTopicIsNamed(t *testing.T) {
	b := newBench()
	const other = "arn:aws:sns:eu-west-1:123456789012:other"
	longest := other + strings.Repeat("a", 256-len("other")) // of the name
	for _, arn := range []string{other, longest} {
		require.EqualError(t, b.verify(notification().with("TopicArn", arn)), "sns: the topic is not listed in Topics: "+arn+"; Topics has 1 entries")
	}
	for _, arn := range []string{"x", other + " secret", longest + "a", "arn:aws:sqs:eu-west-1:123456789012:other"} {
		require.EqualError(t, b.verify(notification().with("TopicArn", arn)), sns.ErrTopic.Error(), arn)
	}
}

func TestMaxAge(t *testing.T) {
	b := newBench()
	published := func(age time.Duration) envelope {
		return notification().with("Timestamp", now.Add(-age).Format("2006-01-02T15:04:05.000Z"))
	}
	require.NoError(t, b.verify(published(20*365*24*time.Hour)), "signatures do not expire")
	b.MaxAge = 2 * time.Hour
	require.NoError(t, b.verify(published(2*time.Hour)))
	require.NoError(t, b.verify(published(-time.Minute)))
	err := b.verify(published(2*time.Hour + time.Second))
	require.ErrorIs(t, err, sns.ErrTime)
	require.EqualError(t, err, "sns: the message is older than MaxAge: published 2h0m1s ago")
}

// The messages of FIFO topics arrive without the members of a signature.
func TestFIFOTopic(t *testing.T) {
	const topic = topicARN + ".fifo"
	b := newBench()
	b.Topics = []string{topic}
	unsigned := notification().with("TopicArn", topic).without("SignatureVersion").without("Signature").without("SigningCertURL")
	_, err := b.Verify(t.Context(), unsigned.json())
	require.ErrorIs(t, err, sns.ErrSignature)
	require.ErrorContains(t, err, "SNS does not sign the messages of a FIFO topic")
	require.NoError(t, b.verify(notification().with("TopicArn", topic)), "if SNS ever does")
	_, err = b.Verify(t.Context(), unsigned.with("TopicArn", topicARN).json())
	require.ErrorIs(t, err, sns.ErrTopic)
}

func FuzzVerify(f *testing.F) {
	b := newBench()
	genuine := map[sns.Message]bool{}
	for _, e := range []envelope{
		notification(), notification().with("Subject", "s").with("SignatureVersion", "1"),
		confirmation("SubscriptionConfirmation"), confirmation("UnsubscribeConfirmation"),
	} {
		data := e.signed()
		m, err := b.Verify(f.Context(), data)
		require.NoError(f, err)
		genuine[*m] = true
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := b.Verify(t.Context(), data)
		if err == nil {
			require.True(t, genuine[*m], "accepted an unsigned message")
			return
		}
		require.True(t, slices.ContainsFunc(causes, func(cause error) bool { return errors.Is(err, cause) }), "no cause: %v", err)
		for _, url := range b.amazon.Calls() {
			require.Regexp(t, `^https://sns\.us-east-2\.amazonaws\.com/SimpleNotificationService-[A-Za-z0-9]+\.pem$`, url)
		}
	})
}

// Where a program may not use SHA-1 at all, a signature of version 1 is an
// error, and not the panic that the hash would be. Where the FIPS 140 mode allows
// SHA-1, it is accepted.
func TestFIPS140(t *testing.T) {
	if !fips140.Enabled() {
		for _, mode := range []string{"on", "only"} {
			child := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestFIPS140$", "-test.v")
			child.Env = append(os.Environ(), "GODEBUG=fips140="+mode)
			output, err := child.CombinedOutput()
			require.NoError(t, err, "%s", output)
			require.Contains(t, string(output), "--- PASS: TestFIPS140")
		}
		return
	}
	b := newBench()
	require.NoError(t, b.verify(notification()))
	old := notification().with("SignatureVersion", "1")
	if !fips140.Enforced() {
		require.NoError(t, b.verify(old))
		return
	}
	_, err := b.Verify(t.Context(), old.with("Signature", sign(certstest.Key(), "2", old.text())).json())
	require.ErrorIs(t, err, sns.ErrVersion)
	require.ErrorContains(t, err, "FIPS 140")
}
