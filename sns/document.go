package sns

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/alexaevents/alexaevents"
	"github.com/alexaevents/alexaevents/internal/envelope"
)

// field is a member of the JSON of a message.
type field uint8

const (
	body field = iota
	messageID
	subject
	subscribeURL
	timestamp
	token
	topicArn
	messageType
	signature
	signatureVersion
	signingCertURL
	fields
)

// names has the spelling that is signed.
var names = [fields]string{
	"Message", "MessageId", "Subject", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type",
	"Signature", "SignatureVersion", "SigningCertURL",
}

// What is signed, in the order in which it is signed.
var (
	ofNotification = []field{body, messageID, subject, timestamp, topicArn, messageType}
	ofConfirmation = []field{body, messageID, subscribeURL, timestamp, token, topicArn, messageType}
)

// fieldOf knows two spellings: SNS writes URL over HTTP, and Url for Lambda.
func fieldOf(name []byte) field {
	switch string(name) {
	case "Message":
		return body
	case "MessageId":
		return messageID
	case "Subject":
		return subject
	case "SubscribeURL", "SubscribeUrl":
		return subscribeURL
	case "Timestamp":
		return timestamp
	case "Token":
		return token
	case "TopicArn":
		return topicArn
	case "Type":
		return messageType
	case "Signature":
		return signature
	case "SignatureVersion":
		return signatureVersion
	case "SigningCertURL", "SigningCertUrl":
		return signingCertURL
	}
	return fields
}

// longest is how many bytes a member other than Message may have. SNS stays
// below 1 KiB.
const longest = 4 << 10

// document is the JSON of a message: the texts of its members, nil where there
// is none or a null.
type document struct {
	text   [fields][]byte
	err    error // of the first member that is not as it must be
	signed []field
	topic  topic
}

// open reads the JSON of a message of one of the topics listed. It leaves
// Message, which can be large, to the caller.
func open(listed []string, data []byte) (*document, *Message, error) {
	d, err := parse(data)
	if err != nil {
		return nil, nil, err
	}
	if d.topic, err = findTopic(listed, d.text[topicArn]); err != nil {
		return nil, nil, err
	}
	m, err := d.message()
	return d, m, err
}

// parse reads the JSON of a message. It refuses what two readers could
// understand in two ways: a member that occurs twice, invalid UTF-8, and line
// breaks in the members whose text is signed line by line. Only Message may
// have them: it comes first, and SNS allows none in a Subject.
func parse(data []byte) (*document, error) {
	d := new(document)
	err := envelope.Members(data, func(name []byte, value envelope.Raw) bool {
		f := fieldOf(name)
		d.add(f, value)
		return f != fields
	})
	if err == nil {
		err = d.err
	}
	if err == nil {
		err = d.checkSigned()
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrMessage, err)
	}
	return d, nil
}

func (d *document) add(f field, value envelope.Raw) {
	if f == fields || value == nil || d.err != nil {
		return
	}
	if d.text[f] != nil {
		d.err = fmt.Errorf("%s in two spellings", names[f])
		return
	}
	if f != body && len(value) > longest {
		d.err = fmt.Errorf("%s is too long", names[f])
		return
	}
	var err error
	d.text[f], err = value.TextBytes()
	if err != nil {
		d.err = fmt.Errorf("%s: %w", names[f], err)
	}
}

func (d *document) checkSigned() error {
	switch string(d.text[messageType]) {
	case Notification:
		d.signed = ofNotification
	case SubscriptionConfirmation, UnsubscribeConfirmation:
		d.signed = ofConfirmation
	default:
		return errors.New("no Type of SNS's")
	}
	for _, f := range d.signed {
		if d.text[f] == nil && f != subject {
			return fmt.Errorf("no %s", names[f])
		}
		if f != body && hasLineBreak(d.text[f]) {
			return fmt.Errorf("a line break in %s", names[f])
		}
	}
	return nil
}

// message returns what is signed, except Message.
func (d *document) message() (*Message, error) {
	m := &Message{Type: string(d.text[messageType]), ID: string(d.text[messageID]), TopicArn: d.topic.arn}
	if !isUUID(m.ID) {
		return nil, fmt.Errorf("%w: the MessageId is not a UUID", ErrMessage)
	}
	if err := m.Timestamp.UnmarshalText(d.text[timestamp]); err != nil {
		return nil, fmt.Errorf("%w: the Timestamp is not an RFC 3339 time", ErrMessage)
	}
	m.Timestamp = m.Timestamp.UTC()
	if m.Type == Notification {
		m.Subject = string(d.text[subject])
	} else {
		m.Token = alexaevents.Secret(d.text[token])
	}
	return m, nil
}

// writeSigned writes a line with the name and a line with the text of every
// signed member. A Subject that is there and empty is signed too.
func (d *document) writeSigned(w io.Writer) {
	line := make([]byte, 0, 512) // all that is short, up to the next long text
	for _, f := range d.signed {
		if d.text[f] == nil {
			continue
		}
		line = append(append(line, names[f]...), '\n')
		if f == body {
			_, _ = w.Write(line)
			_, _ = w.Write(d.text[f])
			line = line[:0]
		} else {
			line = append(line, d.text[f]...)
		}
		line = append(line, '\n')
	}
	_, _ = w.Write(line)
}

func hasLineBreak(text []byte) bool {
	return bytes.IndexByte(text, '\n') >= 0 || bytes.IndexByte(text, '\r') >= 0
}

func isUUID(s string) bool {
	return len(s) == 36 && s[8] == '-' && s[13] == '-' && s[18] == '-' && s[23] == '-' &&
		strings.Count(s, "-") == 4 && only(s, isUUIDByte)
}

func isUUIDByte(c byte) bool { return isDigit(c) || 'a' <= c|0x20 && c|0x20 <= 'f' || c == '-' }
