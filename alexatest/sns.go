package alexatest

import (
	"cmp"
	"crypto/rand"
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

const (
	answerTime  = 15 * time.Second // that SNS waits for an answer
	confirmTime = 48 * time.Hour   // that a token to confirm a subscription is good for
)

// network reaches endpoints in other processes.
var network = &http.Client{
	Timeout:       answerTime,
	Transport:     &http.Transport{DisableKeepAlives: true}, // tests end, and look for what they have left
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
}

// delivery is a message on its way to an endpoint.
type delivery struct {
	topic           Topic
	url             string
	handler         http.Handler
	subscriptionARN string
	signed          notice
}

// newDelivery signs a message for an endpoint. The lock is held.
func (c *Cloud) newDelivery(e *endpoint, n notice) delivery {
	subscription := e.arn
	if n["Type"] == subscriptionConfirmation {
		subscription = ""
	}
	return delivery{e.topic.Topic, e.url, e.handler, subscription, c.signed(n, e.arn, e.topic.SHA1)}
}

// askToConfirm sends an endpoint the token that confirms its subscription: as it
// begins, or has ended, with which an endpoint could take it up again. The lock
// is held.
func (c *Cloud) askToConfirm(e *endpoint, messageType string) {
	text := "You have chosen to subscribe to the topic " + e.topic.ARN + "."
	if messageType == unsubscribeConfirmation {
		text = "You have chosen to deactivate the subscription " + e.arn + "."
	}
	e.confirmed, e.token, e.until = false, rand.Text()+rand.Text(), time.Now().Add(confirmTime)
	n := newNotice(messageType, e.topic.ARN, []byte(text))
	n["Token"], n["SubscribeURL"] = e.token, placeOf(e.topic.ARN).confirmURL(e.topic.ARN, e.token)
	c.sns.due = append(c.sns.due, c.newDelivery(e, n))
}

// deliver delivers a message until it is acknowledged or refused, or SNS gives
// up. The lock is not held.
func (c *Cloud) deliver(d delivery) {
	for attempt := 0; ; attempt++ {
		status := d.send()
		c.mu.Lock()
		c.sns.delivered = append(c.sns.delivered, Delivered{
			TopicARN: d.topic.ARN, URL: d.url, Status: status,
			Type: d.signed["Type"], MessageID: d.signed["MessageId"], Message: d.signed["Message"],
		})
		c.mu.Unlock()
		failed := status == 0 || status == http.StatusTooManyRequests || status >= 500
		if !failed || attempt >= d.topic.retries() {
			return
		}
		time.Sleep(d.topic.Pause)
	}
}

// send makes one attempt, and returns the status of the answer, zero if there is
// none in time.
func (d delivery) send() (status int) {
	request := d.signed.request(d.url, d.subscriptionARN)
	if d.handler == nil {
		response, err := network.Do(request)
		if err != nil {
			return 0
		}
		response.Body.Close()
		return response.StatusCode
	}
	w, start := statusWriter{header: make(http.Header)}, time.Now()
	d.handler.ServeHTTP(&w, request)
	if time.Since(start) > answerTime {
		return 0
	}
	return cmp.Or(w.status, http.StatusOK)
}

// statusWriter keeps the status of an answer and drops the rest.
type statusWriter struct {
	header http.Header
	status int
}

func (w *statusWriter) Header() http.Header { return w.header }

func (w *statusWriter) WriteHeader(status int) {
	if w.status == 0 && status >= 200 {
		w.status = status
	}
}

func (w *statusWriter) Write(data []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	return len(data), nil
}

// answerSNS answers for the hosts of SNS, nil for what they do not know. These
// are the two actions that the URLs in messages ask for.
func (c *Cloud) answerSNS(r *http.Request) *http.Response {
	query := r.URL.Query()
	if r.Method != http.MethodGet || r.URL.Path != "/" && r.URL.Path != "" {
		return nil
	}
	action := query.Get("Action")
	var matches func(*endpoint) bool
	switch action {
	case "ConfirmSubscription":
		matches = func(e *endpoint) bool {
			return e.topic.ARN == query.Get("TopicArn") && e.token == query.Get("Token") && time.Now().Before(e.until)
		}
	case "Unsubscribe":
		matches = func(e *endpoint) bool { return e.arn == query.Get("SubscriptionArn") && e.confirmed }
	default:
		return nil
	}
	found := c.sns.find(r.URL.Host, matches)
	switch {
	case found == nil:
		return respond(r, http.StatusBadRequest, "text/xml", fmt.Appendf(nil,
			`<ErrorResponse xmlns="%s"><Error><Type>Sender</Type><Code>InvalidParameter</Code><Message>Invalid parameter</Message></Error><RequestId>%s</RequestId></ErrorResponse>`,
			snsNamespace, uuid.NewString()))
	case action == "Unsubscribe":
		c.askToConfirm(found, unsubscribeConfirmation)
	default:
		found.confirmed = true
	}
	return respond(r, http.StatusOK, "text/xml", fmt.Appendf(nil,
		`<%[1]sResponse xmlns="%[2]s"><%[1]sResult><SubscriptionArn>%[3]s</SubscriptionArn></%[1]sResult><ResponseMetadata><RequestId>%[4]s</RequestId></ResponseMetadata></%[1]sResponse>`,
		action, snsNamespace, found.arn, uuid.NewString()))
}

const snsNamespace = "http://sns.amazonaws.com/doc/2010-03-31/"

// find returns the subscription at the host that matches, if any.
func (s *sns) find(host string, matches func(*endpoint) bool) *endpoint {
	for _, topic := range s.topics {
		for _, e := range topic.endpoints {
			if placeOf(topic.ARN).host() == host && matches(e) {
				return e
			}
		}
	}
	return nil
}
