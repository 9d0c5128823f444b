package alexatest

import (
	"bytes"
	"iter"
	"net/http"
	"strings"
	"time"

	"github.com/google/uuid"
)

// SNSForgeries yields what a genuine message of SNS could be forged to, each
// named by what is wrong with it. A backend that takes messages of this topic
// alone must answer every one with 400 and do nothing else.
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
		yield("two texts, one of them signed", twice)
	}
}

// snsForgeries change a message that is signed.
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
	{"a subscription that is confirmed elsewhere", func(c *Cloud, n notice) {
		c.askForSubscription(n)
		n["SubscribeURL"] = "https://example.com/?Action=ConfirmSubscription"
	}},
	{"a changed text", func(_ *Cloud, n notice) { n["Message"] += " " }},
	{"a changed time", func(_ *Cloud, n notice) { n["Timestamp"] = "2020-01-01T00:00:00.000Z" }},
	{"a changed ID", func(_ *Cloud, n notice) { n["MessageId"] = uuid.NewString() }},
	{"a subject that is not signed", func(_ *Cloud, n notice) { n["Subject"] = "forged" }},
	{"a line moved from the text into the subject", func(c *Cloud, n notice) {
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
	{"a version that there is not", func(_ *Cloud, n notice) { n["SignatureVersion"] = "3" }},
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

// foreign returns the ARN of a topic of the same name in another account.
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

// signAgain gives a changed message a genuine signature.
func (c *Cloud) signAgain(n notice) {
	signer := c.signerOf(n)
	n["SignatureVersion"], n["Signature"], n["SigningCertURL"] = "2", signer.sign(n.text()), signer.url
}

// askForSubscription makes the message a signed one of that type.
func (c *Cloud) askForSubscription(n notice) {
	n["Type"], n["Token"] = subscriptionConfirmation, "alexatest"
	n["SubscribeURL"] = placeOf(n["TopicArn"]).confirmURL(n["TopicArn"], n["Token"])
	c.signAgain(n)
}

// signAsSNS signs the message with a certificate for the name, and serves it
// where genuine ones are.
func (c *Cloud) signAsSNS(n notice, name string, validFor time.Duration) {
	key := otherKey(c.signerOf(n).key)
	certificate := pemFile(c.root.leaf(key, name, validFor).Raw)
	c.mu.Lock()
	forger := c.serveSNS(placeOf(n["TopicArn"]), certificate, key)
	c.mu.Unlock()
	n["SignatureVersion"], n["Signature"], n["SigningCertURL"] = "2", forger.sign(n.text()), forger.url
}
