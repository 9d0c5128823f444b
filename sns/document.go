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

// names are the names of the members, as they are signed.
var names = [fields]string{
	"Message", "MessageId", "Subject", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type",
	"Signature", "SignatureVersion", "SigningCertURL",
}

// The signed members, in the order in which they are signed.
var (
	ofNotification = []field{body, messageID, subject, timestamp, topicArn, messageType}
	ofConfirmation = []field{body, messageID, subscribeURL, timestamp, token, topicArn, messageType}
)

// fieldOf returns the field of a name. SNS writes URL over HTTP, and Url for
// Lambda.
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

// longest is the length in bytes of the longest member other than Message. Those
// of SNS are shorter than 1 KiB.
const longest = 4 << 10

// document is the JSON of a message.
type document struct {
	text   [fields][]byte // texts of the members, nil for an absent or null one
	err    error          // error of the first invalid member
	signed []field
	topic  topic
}

// open reads the JSON of a message of one of the listed topics. It does not set
// Message, which can be large.
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

// parse reads the JSON of a message. It refuses what is ambiguous: a member that
// occurs twice, invalid UTF-8, and line breaks in signed members, since these are
// signed line by line. Only Message may have them: it comes first, and SNS allows
// none in a Subject.
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
		d.err = fmt.Errorf("%s occurs in two spellings", names[f])
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
		return errors.New("unknown Type")
	}
	for _, f := range d.signed {
		if d.text[f] == nil && f != subject {
			return fmt.Errorf("%s is missing", names[f])
		}
		if f != body && hasLineBreak(d.text[f]) {
			return fmt.Errorf("%s has a line break", names[f])
		}
	}
	return nil
}

// message returns the signed members, except Message.
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

// writeSigned writes a line with the name and a line with the text of each signed
// member that is present, an empty Subject too.
func (d *document) writeSigned(w io.Writer) {
	line := make([]byte, 0, 512) // the short members up to the long one
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
