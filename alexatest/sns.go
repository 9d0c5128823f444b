package alexatest

import (
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/google/uuid"
)

// Topic is an SNS topic and how it is set.
type Topic struct {
	ARN string // required

	// SHA1 is true for signatures of version 1, SNS's own default. False is
	// version 2.
	SHA1 bool

	// Closed is true for a topic that lets Alexa publish nothing, as if its
	// access policy or the role to publish with were wrong.
	Closed bool

	// Retries is how often a message is delivered again to an endpoint that
	// answers with 429 or 5xx, or later than after 15 seconds. Zero is 3 times,
	// less than zero never.
	Retries int

	// Pause is the time before each of them. Zero is none; SNS's own default is
	// 20 seconds.
	Pause time.Duration
}

func (t Topic) retries() int {
	if t.Retries == 0 {
		return 3
	}
	return t.Retries
}

// SetTopic creates a topic, or changes how it is set. It panics if the ARN is
// not that of a topic.
func (c *Cloud) SetTopic(topic Topic) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.sns.topic(topic.ARN).Topic = topic
}

// Subscribe subscribes an endpoint to a topic, which is created if there is none.
// It asks the endpoint to confirm that, and returns an error if the endpoint has
// not; it may do so within two days. Until then it gets nothing. The handler is
// the endpoint, nil one in another process that is reached by its URL. Of calls
// with the same topic and URL the last one's counts.
//
// What is published to the topic is delivered before the call that published it
// returns, be that [Cloud.Publish] or a request of the code under test.
func (c *Cloud) Subscribe(topicARN, url string, handler http.Handler) error {
	e := c.invite(topicARN, url, handler)
	c.mu.Lock()
	defer c.mu.Unlock()
	if !e.confirmed {
		return fmt.Errorf("alexatest: %s has not confirmed its subscription to %s", url, topicARN)
	}
	return nil
}

func (c *Cloud) invite(topicARN, url string, handler http.Handler) *endpoint {
	defer c.lock()()
	e := c.sns.topic(topicARN).endpoint(url)
	e.handler = handler
	if !e.confirmed {
		c.askToConfirm(e, subscriptionConfirmation)
	}
	return e
}

// Publish is the owner of a topic publishing a message. It returns the ID that
// SNS gives the message. It panics if there is no such topic, or the message is
// not UTF-8.
func (c *Cloud) Publish(topicARN string, message []byte) (messageID string) {
	defer c.lock()()
	topic := c.sns.topics[topicARN]
	if topic == nil {
		panic("alexatest: no such topic: " + topicARN)
	}
	return c.publish(topic, message)
}

// HoldMessages makes SNS keep what is published, until [Cloud.ReleaseMessages].
func (c *Cloud) HoldMessages() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.sns.holding = true
}

// ReleaseMessages delivers what SNS has kept, as it may: each message at least
// once, about half of them again, in any order. The seed decides, so that a
// failure can be repeated.
func (c *Cloud) ReleaseMessages(seed uint64) {
	defer c.lock()()
	c.sns.due = append(c.sns.due, atLeastOnce(seed, c.sns.held)...)
	c.sns.holding, c.sns.held = false, nil
}

// Delivered is an attempt of SNS to deliver a message.
type Delivered struct {
	TopicARN  string
	URL       string
	Type      string // "Notification", "SubscriptionConfirmation" or "UnsubscribeConfirmation"
	MessageID string // the same in each attempt
	Message   string
	Status    int // of the answer; zero if there was none
}

// Delivered returns what SNS tried to deliver, in order.
func (c *Cloud) Delivered() []Delivered {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.sns.delivered)
}

// sns is Amazon SNS.
type sns struct {
	topics  map[string]*topic // by ARN
	signers map[string]signer // by host
	holding bool
	held    []delivery // until they are released
	due     []delivery // when the lock is free

	delivered []Delivered
}

func newSNS() sns { return sns{topics: make(map[string]*topic), signers: make(map[string]signer)} }

type topic struct {
	Topic
	endpoints []*endpoint
}

// endpoint is a subscription to a topic.
type endpoint struct {
	topic     *topic
	arn       string
	url       string
	handler   http.Handler
	token     string // that confirms it
	until     time.Time
	confirmed bool
}

// topic returns the topic, a new one if there is none.
func (s *sns) topic(topicARN string) *topic {
	if s.topics[topicARN] == nil {
		placeOf(topicARN) // panics if it is nowhere
		s.topics[topicARN] = &topic{Topic: Topic{ARN: topicARN}}
	}
	return s.topics[topicARN]
}

// endpoint returns the subscription of the URL, a new one if there is none.
func (t *topic) endpoint(url string) *endpoint {
	for _, e := range t.endpoints {
		if e.url == url {
			return e
		}
	}
	e := &endpoint{topic: t, url: url, arn: t.ARN + ":" + uuid.NewString()}
	t.endpoints = append(t.endpoints, e)
	return e
}

// lock locks the cloud for what may publish something. The function that it
// returns unlocks it and delivers what is due, in this order, since endpoints
// make requests to the cloud.
func (c *Cloud) lock() (unlock func()) {
	c.mu.Lock()
	return func() {
		due := c.sns.due
		c.sns.due = nil
		c.mu.Unlock()
		for _, delivery := range due {
			c.deliver(delivery)
		}
	}
}

// publish gives a message to the endpoints of a topic. The lock is held.
func (c *Cloud) publish(t *topic, message []byte) (messageID string) {
	n := newNotice(notification, t.ARN, message)
	for _, e := range t.endpoints {
		if !e.confirmed {
			continue
		}
		queue := &c.sns.due
		if c.sns.holding {
			queue = &c.sns.held
		}
		*queue = append(*queue, c.newDelivery(e, n))
	}
	return n["MessageId"]
}

// publishFromAlexa publishes a JSON document as Alexa, and reports whether the
// topic took it. The lock is held.
func (c *Cloud) publishFromAlexa(topicARN string, event []byte) bool {
	topic := c.sns.topics[topicARN]
	if topic == nil || topic.Closed {
		return false
	}
	c.publish(topic, event)
	return true
}
