package alexatest

import (
	"bytes"
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"

	"github.com/alexaevents/alexaevents/internal/rest"
)

// The types of messages.
const (
	notification             = "Notification"
	subscriptionConfirmation = "SubscriptionConfirmation"
	unsubscribeConfirmation  = "UnsubscribeConfirmation"
)

// NewSNSRequest returns a POST request with a message of the topic, signed as
// SNS signs it. It serves as a request that a client sends, and as one that a
// test gives to a handler. It needs no topic on the cloud, but follows one's
// settings. It panics if the URL is not one, the ARN is not that of a topic, or
// the message is not UTF-8.
func (c *Cloud) NewSNSRequest(url, topicARN string, message []byte) *http.Request {
	signed, subscription := c.newSNSMessage(topicARN, message)
	return signed.request(url, subscription)
}

func (c *Cloud) newSNSMessage(topicARN string, message []byte) (signed notice, subscriptionARN string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	topic := c.sns.topics[topicARN]
	subscriptionARN = topicARN + ":" + uuid.NewString()
	return c.signed(newNotice(notification, topicARN, message), subscriptionARN, topic != nil && topic.SHA1), subscriptionARN
}

// notice is a message of SNS: the members of its JSON.
type notice map[string]string

func newNotice(messageType, topicARN string, message []byte) notice {
	if !utf8.Valid(message) {
		panic("alexatest: a message of SNS is text in UTF-8")
	}
	return notice{
		"Type": messageType, "TopicArn": topicARN, "Message": string(message),
		"MessageId": uuid.NewString(), "Timestamp": time.Now().UTC().Format("2006-01-02T15:04:05.000Z"),
	}
}

// text is what is signed: a line for the name of each of these members and one
// for its value, in this order.
func (n notice) text() []byte {
	var text []byte
	for _, name := range []string{"Message", "MessageId", "Subject", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"} {
		if value, ok := n[name]; ok {
			text = append(text, name+"\n"+value+"\n"...)
		}
	}
	return text
}

func (n notice) json() []byte {
	body, err := json.Marshal(n)
	must(err)
	return body
}

func (n notice) request(url, subscriptionARN string) *http.Request {
	request, err := http.NewRequest(http.MethodPost, url, bytes.NewReader(n.json())) //nolint:noctx // the background context, like httptest's
	must(err)
	request.Header.Set("Content-Type", "text/plain; charset=UTF-8")
	request.Header.Set("User-Agent", "Amazon Simple Notification Service Agent")
	request.Header.Set("X-Amz-Sns-Message-Type", n["Type"])
	request.Header.Set("X-Amz-Sns-Message-Id", n["MessageId"])
	request.Header.Set("X-Amz-Sns-Topic-Arn", n["TopicArn"])
	if subscriptionARN != "" {
		request.Header.Set("X-Amz-Sns-Subscription-Arn", subscriptionARN)
	}
	return request
}

// signed returns the message with its signature. The lock is held.
func (c *Cloud) signed(n notice, subscriptionARN string, sha1 bool) notice {
	n = maps.Clone(n)
	place := placeOf(n["TopicArn"])
	signer := c.snsSigner(place)
	n["SigningCertURL"] = signer.url
	if n["Type"] == notification {
		n["UnsubscribeURL"] = place.url() + "?" + url.Values{"Action": {"Unsubscribe"}, "SubscriptionArn": {subscriptionARN}}.Encode()
	}
	if sha1 {
		n["SignatureVersion"], n["Signature"] = "1", signer.signSHA1(n.text())
	} else {
		n["SignatureVersion"], n["Signature"] = "2", signer.sign(n.text())
	}
	return n
}

// snsSigner returns the signer of a region. Its certificate is served without
// the ones above it. The lock is held.
func (c *Cloud) snsSigner(p place) signer {
	if _, ok := c.sns.signers[p.host()]; !ok {
		key := otherKey(c.signing.key)
		c.sns.signers[p.host()] = c.serveSNS(p, pemFile(c.root.leaf(key, p.signer, c.validFor).Raw), key)
	}
	return c.sns.signers[p.host()]
}

// place is where topics live.
type place struct {
	region string
	domain string
	signer string // the name in the region's certificate
}

// placeOf returns where a topic lives. It panics if the ARN is not that of one.
func placeOf(topicARN string) place {
	partition, region, ok := rest.TopicARN(topicARN)
	if !ok {
		panic("alexatest: not the ARN of an SNS topic: " + topicARN)
	}
	p := place{region: region, domain: "amazonaws.com"}
	switch {
	case partition == "aws-cn":
		p.domain = "amazonaws.com.cn"
		p.signer = "sns-" + p.region + "." + p.domain
	case partition == "aws-us-gov":
		p.signer = "sns-us-gov-west-1.amazonaws.com" // of both regions
	case partition == "aws-eusc":
		p.domain = "amazonaws.eu"
		p.signer = "sns-signing." + p.region + "." + p.domain
	case slices.Contains(optInRegions, p.region):
		p.signer = "sns-signing." + p.region + "." + p.domain
	default:
		p.signer = "sns.amazonaws.com"
	}
	return p
}

// optInRegions have certificates with names of their own, by the AWS SDK for
// Java.
var optInRegions = []string{
	"af-south-1", "ap-east-1", "ap-east-2", "ap-south-2",
	"ap-southeast-3", "ap-southeast-4", "ap-southeast-5", "ap-southeast-6", "ap-southeast-7",
	"ca-west-1", "eu-central-2", "eu-south-1", "eu-south-2",
	"il-central-1", "me-central-1", "me-south-1", "mx-central-1",
}

func (p place) host() string { return "sns." + p.region + "." + p.domain }
func (p place) url() string  { return "https://" + p.host() + "/" }

func (p place) confirmURL(topicARN, token string) string {
	return p.url() + "?" + url.Values{"Action": {"ConfirmSubscription"}, "TopicArn": {topicARN}, "Token": {token}}.Encode()
}
