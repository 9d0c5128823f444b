package sns

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// What is signed, byte for byte, for each type of message.
func TestStringToSign(t *testing.T) {
	const tail = `"MessageId":"I","TopicArn":"A","Timestamp":"T","Token":"K","SubscribeURL":"U","Signature":"S","SigningCertURL":"C","SignatureVersion":"2"}`
	for name, test := range map[string]struct{ data, want string }{
		"notification":       {`{"Type":"Notification","Message":"M",` + tail, "Message\nM\nMessageId\nI\nTimestamp\nT\nTopicArn\nA\nType\nNotification\n"},
		"with a subject":     {`{"Type":"Notification","Subject":"s","Message":"M",` + tail, "Message\nM\nMessageId\nI\nSubject\ns\nTimestamp\nT\nTopicArn\nA\nType\nNotification\n"},
		"an empty subject":   {`{"Type":"Notification","Subject":"","Message":"M",` + tail, "Message\nM\nMessageId\nI\nSubject\n\nTimestamp\nT\nTopicArn\nA\nType\nNotification\n"},
		"a null subject":     {`{"Type":"Notification","Subject":null,"Message":"M",` + tail, "Message\nM\nMessageId\nI\nTimestamp\nT\nTopicArn\nA\nType\nNotification\n"},
		"unescaped":          {`{"Type":"Notification","Message":"\u00e9\"\/\n\ud83c\udf89",` + tail, "Message\né\"/\n🎉\nMessageId\nI\nTimestamp\nT\nTopicArn\nA\nType\nNotification\n"},
		"subscription":       {`{"Type":"SubscriptionConfirmation","Message":"M",` + tail, "Message\nM\nMessageId\nI\nSubscribeURL\nU\nTimestamp\nT\nToken\nK\nTopicArn\nA\nType\nSubscriptionConfirmation\n"},
		"unsubscription":     {`{"Type":"UnsubscribeConfirmation","Message":"M",` + tail, "Message\nM\nMessageId\nI\nSubscribeURL\nU\nTimestamp\nT\nToken\nK\nTopicArn\nA\nType\nUnsubscribeConfirmation\n"},
		"with stray subject": {`{"Type":"SubscriptionConfirmation","Subject":"s","Message":"M",` + tail, "Message\nM\nMessageId\nI\nSubscribeURL\nU\nTimestamp\nT\nToken\nK\nTopicArn\nA\nType\nSubscriptionConfirmation\n"},
	} {
		d, err := parse([]byte(test.data))
		require.NoError(t, err, name)
		require.Equal(t, test.want, signedText(d), name)
	}
}

// No two documents with different signed members have the same string to sign, with any
// Message and Subject.
func TestStringToSignIsUnambiguous(t *testing.T) {
	line := rapid.SampledFrom([]string{"", "a", "id", "time", "topic", "Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type", "Notification"})
	lines := rapid.Custom(func(t *rapid.T) string {
		return strings.Join(rapid.SliceOfN(line, 0, 8).Draw(t, "lines"), "\n")
	})
	document := rapid.Custom(func(t *rapid.T) map[string]string {
		// The formats of ID, time and topic keep them from being names of members.
		members := map[string]string{"Type": Notification, "MessageId": "id", "Timestamp": "time", "TopicArn": "topic"}
		members["Message"] = lines.Draw(t, "message")
		if rapid.Bool().Draw(t, "has a subject") {
			members["Subject"] = lines.Draw(t, "subject")
		}
		return members
	})
	rapid.Check(t, func(t *rapid.T) {
		first := document.Draw(t, "document")
		a, err := parse(marshal(first))
		if strings.Contains(first["Subject"], "\n") {
			require.ErrorIs(t, err, ErrMessage)
			return
		}
		require.NoError(t, err)
		signed := signedText(a)

		// Every other document that could have been meant: cut the signed string
		// where the name of a member could stand.
		rest, ok := strings.CutSuffix(signed, "\nTimestamp\ntime\nTopicArn\ntopic\nType\nNotification\n")
		require.True(t, ok)
		rest, ok = strings.CutPrefix(rest, "Message\n")
		require.True(t, ok)
		found := 0
		for cut := range rest {
			message, tail := rest[:cut], rest[cut:]
			members := map[string]string{"Type": Notification, "Timestamp": "time", "TopicArn": "topic", "Message": message}
			if tail, ok = strings.CutPrefix(tail, "\nMessageId\n"); !ok {
				continue
			}
			var has bool
			members["MessageId"], members["Subject"], has = strings.Cut(tail, "\nSubject\n")
			if !has {
				delete(members, "Subject")
			}
			b, err := parse(marshal(members))
			if err != nil || members["MessageId"] != "id" {
				continue
			}
			require.Equal(t, signed, signedText(b))
			require.Equal(t, first, members)
			found++
		}
		require.Equal(t, 1, found)
	})
}

func signedText(d *document) string {
	var text strings.Builder
	d.writeSigned(&text)
	return text.String()
}

func marshal(value any) []byte {
	data, err := json.Marshal(value)
	if err != nil {
		panic(err)
	}
	return data
}

// Where a message is accepted, encoding/json finds the same texts in it.
func FuzzParse(f *testing.F) {
	f.Add([]byte(`{"Type":"Notification","MessageId":"I","TopicArn":"A","Message":"\ud800\u00e9","Timestamp":"T","Subject":null,"SigningCertUrl":"C"}`))
	f.Add([]byte(`{"Type":"SubscriptionConfirmation","MessageId":"I","TopicArn":"A","Message":"M","Timestamp":"T","Token":"K","SubscribeURL":"U","x":[{}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		d, err := parse(data)
		if err != nil {
			require.ErrorIs(t, err, ErrMessage)
			return
		}
		require.True(t, utf8.Valid(data))
		var members map[string]any
		require.NoError(t, json.Unmarshal(data, &members))
		for other, name := range map[string]string{"SubscribeUrl": "SubscribeURL", "SigningCertUrl": "SigningCertURL"} {
			if value, ok := members[other]; ok && value != nil {
				require.Nil(t, members[name])
				members[name] = value
			}
		}
		maps.DeleteFunc(members, func(name string, value any) bool { return value == nil || !slices.Contains(names[:], name) })
		texts := map[string]any{}
		for f, name := range names {
			if d.text[f] != nil {
				texts[name] = string(d.text[f])
			}
		}
		require.Equal(t, members, texts)
	})
}
