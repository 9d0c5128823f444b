package sns

import (
	"fmt"
	"slices"
	"strings"

	"github.com/alexaevents/alexaevents/internal/rest"
)

// topic is what the ARN of a topic says about where its messages come from.
type topic struct {
	arn    string
	region string
	*partition
}

// partition is a part of AWS that shares nothing with the others.
type partition struct {
	name   string
	places string // what the names of its regions begin with
	domain string
	signer string // in certificates, where that does not name the region
}

// partitions ends with the one whose regions are those of no other.
var partitions = [...]partition{
	{"aws-cn", "cn-", "amazonaws.com.cn", ""}, // see signerName
	{"aws-us-gov", "us-gov-", "amazonaws.com", "sns-us-gov-west-1.amazonaws.com"},
	{"aws-eusc", "eusc-", "amazonaws.eu", ""},
	{"aws", "", "amazonaws.com", "sns.amazonaws.com"},
}

// findTopic returns the topic of the ARN if that is one of those listed.
func findTopic[T string | []byte](listed []string, arn T) (topic, error) {
	i := slices.IndexFunc(listed, func(l string) bool { return l == string(arn) })
	if i < 0 {
		return topic{}, unlisted(listed, string(arn))
	}
	t, ok := parseTopic(listed[i])
	if !ok {
		return topic{}, fmt.Errorf("%w: the entry there is not the ARN of a topic", ErrTopic)
	}
	return t, nil
}

// unlisted names the topic that is missing from the list, if what the message
// says is the ARN of a topic.
func unlisted(listed []string, arn string) error {
	if _, ok := parseTopic(arn); !ok {
		return ErrTopic
	}
	return fmt.Errorf("%w: %s; Topics has %d entries", ErrTopic, arn, len(listed))
}

// parseTopic returns the topic of an ARN whose region is in its partition.
func parseTopic(arn string) (topic, bool) {
	name, region, ok := rest.TopicARN(arn)
	i := slices.IndexFunc(partitions[:], func(p partition) bool { return strings.HasPrefix(region, p.places) })
	return topic{arn, region, &partitions[i]}, ok && partitions[i].name == name
}

// only reports whether s has such bytes and no others.
func only(s string, is func(byte) bool) bool {
	for i := range len(s) {
		if !is(s[i]) {
			return false
		}
	}
	return s != ""
}

func isDigit(c byte) bool    { return '0' <= c && c <= '9' }
func isLetter(c byte) bool   { return 'a' <= c|0x20 && c|0x20 <= 'z' }
func isFileByte(c byte) bool { return isLetter(c) || isDigit(c) }

// isFIFO reports whether the topic is FIFO. SNS does not sign the messages of
// such a topic, and delivers them to queues alone.
func (t topic) isFIFO() bool { return strings.HasSuffix(t.arn, ".fifo") }

// host is the host of SNS in the region of the topic.
func (t topic) host() string { return "sns." + t.region + "." + t.domain }

// checkCertificateURL compares the URL as it stands, for no parser to be
// misled: nothing is left open but the letters and digits of the file's name.
func (t topic) checkCertificateURL(url string) error {
	name, ok := cut(url, "https://sns.", t.region, ".", t.domain, "/SimpleNotificationService-")
	name, pem := strings.CutSuffix(name, ".pem")
	if !ok || !pem || !only(name, isFileByte) {
		return fmt.Errorf("%w: the SigningCertURL is not https://%s/SimpleNotificationService-*.pem", ErrURL, t.host())
	}
	return nil
}

// checkSubscribeURL checks where the URL would lead. It is never visited.
func (t topic) checkSubscribeURL(url string) error {
	if _, ok := cut(url, "https://sns.", t.region, ".", t.domain, "/"); !ok {
		return fmt.Errorf("%w: the SubscribeURL is not of https://%s/", ErrURL, t.host())
	}
	return nil
}

// cut returns s without the prefixes, one behind the other.
func cut(s string, prefixes ...string) (rest string, ok bool) {
	for _, prefix := range prefixes {
		if s, ok = strings.CutPrefix(s, prefix); !ok {
			return "", false
		}
	}
	return s, true
}

// signerName returns the name that a certificate with these names must be for.
// Newer regions have certificates of their own.
func (t topic) signerName(names []string) string {
	own := "sns-signing." + t.region + "." + t.domain
	switch {
	case t.name == "aws-cn":
		return "sns-" + t.region + "." + t.domain
	case t.signer == "" || slices.Contains(names, own):
		return own
	}
	return t.signer
}
