package alexatest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"iter"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"

	"github.com/alexaevents/alexaevents/internal/rest"
)

// The types of SNS messages.
const (
	notification             = "Notification"
	subscriptionConfirmation = "SubscriptionConfirmation"
	unsubscribeConfirmation  = "UnsubscribeConfirmation"
)

// NewSNSRequest returns a POST request with a message of the topic, signed as SNS
// signs it. A client can send it, and a test can pass it to a handler. The topic
// need not exist; if it does, its settings apply. It panics if the URL or the ARN is
// invalid, or the message is not UTF-8.
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

// notice is an SNS message: the members of its JSON object.
type notice map[string]string

func newNotice(messageType, topicARN string, message []byte) notice {
	if !utf8.Valid(message) {
		panic(invalid("an SNS message must be UTF-8"))
	}
	return notice{
		"Type": messageType, "TopicArn": topicARN, "Message": string(message),
		"MessageId": uuid.NewString(), "Timestamp": time.Now().UTC().Format("2006-01-02T15:04:05.000Z"),
	}
}

// text is the signed text: one line with the name of each of these members and one
// with its value, in this order.
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
	request, err := http.NewRequest(http.MethodPost, url, bytes.NewReader(n.json())) //nolint:noctx // the background context, as in httptest
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

// snsSigner returns the signer of a region. Its certificate is served without the
// intermediate. The lock is held.
func (c *Cloud) snsSigner(p place) signer {
	if _, ok := c.sns.signers[p.host()]; !ok {
		key := otherKey(c.signing.key)
		c.sns.signers[p.host()] = c.serveSNS(p, c.root.Load().leafFile(key, p.signer, c.validFor), key)
	}
	return c.sns.signers[p.host()]
}

// place is the region of a topic, with its domain and signing name.
type place struct {
	region string
	domain string
	signer string // name in the region's certificate
}

// placeOf returns the place of a topic. It panics if the ARN is not one of a topic.
func placeOf(topicARN string) place {
	partition, region, ok := rest.TopicARN(topicARN)
	if !ok {
		panic(invalid("not the ARN of an SNS topic: %s", topicARN))
	}
	p := place{region: region, domain: "amazonaws.com"}
	switch {
	case partition == "aws-cn":
		p.domain = "amazonaws.com.cn"
		p.signer = "sns-" + p.region + "." + p.domain
	case partition == "aws-us-gov":
		p.signer = "sns-us-gov-west-1.amazonaws.com" // in both regions
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

// optInRegions have certificates with names of their own, as the AWS SDK for Java
// knows them.
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

// SNSForgeries yields requests with forged SNS messages, each with a name that says
// what is wrong. A backend that accepts only this topic must respond to each with
// status 400 and do nothing else.
func (c *Cloud) SNSForgeries(url, topicARN string, message []byte) iter.Seq2[string, *http.Request] {
	return func(yield func(string, *http.Request) bool) {
		for _, forgery := range snsForgeries {
			n, subscription := c.newSNSMessage(topicARN, message)
			forgery.forge(c, n)
			if !yield(forgery.name, n.request(url, subscription)) {
				return
			}
		}
		raw := c.NewSNSRequest(url, topicARN, message)
		raw.Header.Set("X-Amz-Sns-Rawdelivery", "true")
		setBody(raw, message)
		if !yield("a raw message, which has no signature", raw) {
			return
		}
		twice := c.NewSNSRequest(url, topicARN, message)
		n, _ := c.newSNSMessage(topicARN, message)
		setBody(twice, bytes.Replace(n.json(), []byte("{"), []byte(`{"Message":"forged",`), 1))
		yield("two members Message, one of them signed", twice)
	}
}

// snsForgeries change a signed message.
var snsForgeries = []struct {
	name  string
	forge func(c *Cloud, n notice)
}{
	{"another account's topic of the same name", func(c *Cloud, n notice) {
		n["TopicArn"] = foreign(n["TopicArn"])
		c.signAgain(n)
	}},
	{"another topic's message in this one's name", func(c *Cloud, n notice) {
		ours := n["TopicArn"]
		n["TopicArn"] = foreign(ours)
		c.signAgain(n)
		n["TopicArn"] = ours
	}},
	{"a subscription to another account's topic", func(c *Cloud, n notice) {
		n["TopicArn"] = foreign(n["TopicArn"])
		c.askForSubscription(n)
	}},
	{"a subscription that SNS did not ask for", func(c *Cloud, n notice) {
		c.askForSubscription(n)
		n["Token"] += "1"
	}},
	{"a subscription that another host confirms", func(c *Cloud, n notice) {
		c.askForSubscription(n)
		n["SubscribeURL"] = "https://example.com/?Action=ConfirmSubscription"
	}},
	{"a changed message", func(_ *Cloud, n notice) { n["Message"] += " " }},
	{"a changed time", func(_ *Cloud, n notice) { n["Timestamp"] = "2020-01-01T00:00:00.000Z" }},
	{"a changed ID", func(_ *Cloud, n notice) { n["MessageId"] = uuid.NewString() }},
	{"a subject that is not signed", func(_ *Cloud, n notice) { n["Subject"] = "forged" }},
	{"a line moved from the message into the subject", func(c *Cloud, n notice) {
		text, id, genuine := n["Message"], uuid.NewString(), n["MessageId"]
		n["Message"] += "\nMessageId\n" + id + "\nSubject\nforged"
		c.signAgain(n)
		n["Message"], n["MessageId"], n["Subject"] = text, id, "forged\nMessageId\n"+genuine
	}},
	{"no signature", func(_ *Cloud, n notice) { delete(n, "Signature") }},
	{"a signature that is not base64", func(_ *Cloud, n notice) { n["Signature"] = "....$#%@$se" }},
	{"a signature that is too short", func(_ *Cloud, n notice) { n["Signature"] = "aGVsbG8=" }},
	{"a signature by another key", func(c *Cloud, n notice) {
		n["Signature"] = signer{key: otherKey(c.signerOf(n).key)}.sign(n.text())
	}},
	{"a SHA-1 signature called one of version 2", func(c *Cloud, n notice) {
		n["SignatureVersion"], n["Signature"] = "2", c.signerOf(n).signSHA1(n.text())
	}},
	{"an unknown signature version", func(_ *Cloud, n notice) { n["SignatureVersion"] = "3" }},
	{"no certificate URL", func(_ *Cloud, n notice) { delete(n, "SigningCertURL") }},
	{"a certificate from another host", func(_ *Cloud, n notice) {
		n["SigningCertURL"] = strings.Replace(n["SigningCertURL"], ".amazonaws.", ".amazonaws.example.com.", 1)
	}},
	{"a certificate from a bucket named sns", func(_ *Cloud, n notice) {
		n["SigningCertURL"] = strings.Replace(n["SigningCertURL"], placeOf(n["TopicArn"]).host(), "sns.s3-us-west-2.amazonaws.com", 1)
	}},
	{"a certificate of another region", func(c *Cloud, n notice) {
		elsewhere := "arn:aws:sns:us-west-2:000000000000:forged"
		if placeOf(n["TopicArn"]) == placeOf(elsewhere) {
			elsewhere = "arn:aws:sns:us-west-1:000000000000:forged"
		}
		other := c.signerOf(notice{"TopicArn": elsewhere})
		n["SigningCertURL"], n["Signature"] = other.url, other.sign(n.text())
	}},
	{"a certificate from another path", func(_ *Cloud, n notice) {
		n["SigningCertURL"] = strings.Replace(n["SigningCertURL"], "/Simple", "/a/../Simple", 1)
	}},
	{"a certificate that does not exist", func(_ *Cloud, n notice) {
		n["SigningCertURL"] = "https://" + placeOf(n["TopicArn"]).host() + "/SimpleNotificationService-invented.pem"
	}},
	{"a certificate over plain HTTP", func(_ *Cloud, n notice) {
		n["SigningCertURL"] = strings.Replace(n["SigningCertURL"], "https:", "http:", 1)
	}},
	{"a certificate for another name", func(c *Cloud, n notice) {
		c.signAsSNS(n, "sqs.amazonaws.com", year)
	}},
	{"a certificate for every name", func(c *Cloud, n notice) {
		c.signAsSNS(n, "*.amazonaws.com", year)
	}},
	{"an expired certificate", func(c *Cloud, n notice) {
		c.signAsSNS(n, placeOf(n["TopicArn"]).signer, -time.Minute)
	}},
}

// foreign returns the ARN of a topic with the same name in another account.
func foreign(topicARN string) string {
	parts := strings.Split(topicARN, ":")
	parts[4] = strings.Map(func(digit rune) rune { return '0' + '9' - digit }, parts[4])
	return strings.Join(parts, ":")
}

// signerOf returns the signer of the message's region.
func (c *Cloud) signerOf(n notice) signer {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.snsSigner(placeOf(n["TopicArn"]))
}

// signAgain signs a changed message.
func (c *Cloud) signAgain(n notice) {
	signer := c.signerOf(n)
	n["SignatureVersion"], n["Signature"], n["SigningCertURL"] = "2", signer.sign(n.text()), signer.url
}

// askForSubscription makes the message a signed subscription confirmation.
func (c *Cloud) askForSubscription(n notice) {
	n["Type"], n["Token"] = subscriptionConfirmation, "alexatest"
	n["SubscribeURL"] = placeOf(n["TopicArn"]).confirmURL(n["TopicArn"], n["Token"])
	c.signAgain(n)
}

// signAsSNS signs the message with a certificate for the name, and serves it on the
// host of SNS.
func (c *Cloud) signAsSNS(n notice, name string, validFor time.Duration) {
	key := otherKey(c.signerOf(n).key)
	file := c.root.Load().leafFile(key, name, validFor)
	c.mu.Lock()
	forger := c.serveSNS(placeOf(n["TopicArn"]), file, key)
	c.mu.Unlock()
	n["SignatureVersion"], n["Signature"], n["SigningCertURL"] = "2", forger.sign(n.text()), forger.url
}

// serveSNS puts a certificate at a new URL of the SNS host in a region. The lock is
// held.
func (c *Cloud) serveSNS(p place, file *certificateFile, key *lazyKey) signer {
	c.files++
	url := fmt.Sprintf("%sSimpleNotificationService-%032x.pem", p.url(), c.files)
	c.served[url] = file
	return signer{key, url}
}
