package alexatest

import (
	"cmp"
	"crypto/rand"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
)

// Topic is an SNS topic with its settings.
type Topic struct {
	ARN string // ARN of the topic; required

	// SHA1 makes SNS sign with signature version 1, its default. False is
	// version 2.
	SHA1 bool

	// Closed prevents Alexa from publishing to the topic, as a wrong access policy
	// or role does. False allows it.
	Closed bool

	// Retries is the number of retries after a status of 429 or 5xx, or without a
	// response within 15 seconds. Zero is 3, a negative number is none.
	Retries int

	// Pause is the time before each retry; the default of SNS is 20 seconds. Zero
	// is no pause.
	Pause time.Duration
}

func (t Topic) retries() int {
	if t.Retries == 0 {
		return 3
	}
	return t.Retries
}

// SetTopic creates a topic, or changes its settings. It panics if the ARN is invalid.
func (c *Cloud) SetTopic(topic Topic) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.sns.topic(topic.ARN).Topic = topic
}

// Subscribe subscribes an endpoint to a topic, and creates the topic if it does not
// exist. It sends the endpoint a subscription confirmation, and returns an error if
// the endpoint has not confirmed when the call returns. The endpoint can confirm
// within two days; before that it gets no messages. The handler is the endpoint; nil
// is an endpoint in another process, reached by its URL. A later call with the same
// topic and URL replaces the handler.
//
// A published message is delivered before the call that publishes it returns: a call
// of [Cloud.Publish] or a request of the code under test.
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

// Publish publishes a message as the owner of the topic, and returns its message ID.
// It panics if the topic does not exist, or the message is not UTF-8.
func (c *Cloud) Publish(topicARN string, message []byte) (messageID string) {
	defer c.lock()()
	topic := c.sns.topics[topicARN]
	if topic == nil {
		panic(invalid("the topic does not exist: %s", topicARN))
	}
	return c.publish(topic, message)
}

// Topics returns the topics, in alphabetical order.
func (c *Cloud) Topics() (topics []Topic) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, arn := range slices.Sorted(maps.Keys(c.sns.topics)) {
		topics = append(topics, c.sns.topics[arn].Topic)
	}
	return topics
}

// Endpoint is an endpoint that is subscribed to a topic.
type Endpoint struct {
	TopicARN  string
	URL       string
	Confirmed bool
}

// Endpoints returns the endpoints of all topics, by topic.
func (c *Cloud) Endpoints() (endpoints []Endpoint) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, arn := range slices.Sorted(maps.Keys(c.sns.topics)) {
		for _, e := range c.sns.topics[arn].endpoints {
			endpoints = append(endpoints, Endpoint{arn, e.url, e.confirmed})
		}
	}
	return endpoints
}

// HoldMessages makes SNS hold published messages until [Cloud.ReleaseMessages].
func (c *Cloud) HoldMessages() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.sns.holding = true
}

// ReleaseMessages delivers the held messages as SNS may: out of order, with
// duplicates of about half of them. The same seed gives the same result.
func (c *Cloud) ReleaseMessages(seed uint64) {
	defer c.lock()()
	c.sns.due = append(c.sns.due, atLeastOnce(seed, c.sns.held)...)
	c.sns.holding, c.sns.held = false, nil
}

// Delivered is one attempt of SNS to deliver a message.
type Delivered struct {
	TopicARN  string
	URL       string
	Type      string // "Notification", "SubscriptionConfirmation" or "UnsubscribeConfirmation"
	MessageID string // message ID, the same in each attempt
	Message   string
	Status    int // HTTP status; zero without a response
}

// Delivered returns all attempts of SNS to deliver messages, in order.
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
	held    []delivery // released by ReleaseMessages
	due     []delivery // delivered when the lock is free

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
	token     string    // confirms the subscription
	until     time.Time // end of the token
	confirmed bool
}

// topic returns the topic. It creates one if there is none.
func (s *sns) topic(topicARN string) *topic {
	if s.topics[topicARN] == nil {
		placeOf(topicARN) // panics if the ARN is invalid
		s.topics[topicARN] = &topic{Topic: Topic{ARN: topicARN}}
	}
	return s.topics[topicARN]
}

// endpoint returns the subscription of the URL. It creates one if there is none.
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

// lock locks the cloud for operations that may publish. The returned function unlocks
// it first and then delivers the due messages, since endpoints make requests to the
// cloud.
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

// publish queues a message for the endpoints of a topic. The lock is held.
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

// publishFromAlexa publishes an event as Alexa, and reports whether the topic accepts
// it. The lock is held.
func (c *Cloud) publishFromAlexa(topicARN string, event []byte) bool {
	topic := c.sns.topics[topicARN]
	if topic == nil || topic.Closed {
		return false
	}
	c.publish(topic, event)
	return true
}

const (
	responseTime = 15 * time.Second // how long SNS waits for a response
	confirmTime  = 48 * time.Hour   // lifetime of a token that confirms a subscription
)

// network reaches endpoints in other processes.
var network = &http.Client{
	Timeout:       responseTime,
	Transport:     &http.Transport{DisableKeepAlives: true}, // so that a test leaves no goroutine
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
}

// delivery is a message for an endpoint.
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

// askToConfirm sends an endpoint a token that confirms its subscription: for a new
// subscription, or for one that ended and can be confirmed again. The lock is held.
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

// deliver delivers a message, with retries. The lock is not held.
func (c *Cloud) deliver(d delivery) {
	for attempt := 0; ; attempt++ {
		start := time.Now()
		status := d.send()
		if c.Observe != nil {
			r := d.signed.request(d.url, d.subscriptionARN)
			c.Observe(r.Context(), Call{
				Method: r.Method, URL: d.url, Header: r.Header, Body: d.signed.json(),
				Status: status, Duration: time.Since(start), Delivery: true,
			})
		}
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

// send makes one attempt, and returns the status of the response, zero without one in
// time.
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
	if time.Since(start) > responseTime {
		return 0
	}
	return cmp.Or(w.status, http.StatusOK)
}

// statusWriter keeps the status of a response and drops the rest.
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

// Knows reports whether a request to s3.amazonaws.com or to a host of SNS is one for the
// cloud: for a certificate file that it serves, or about a subscription to one of its
// topics. A proxy for Amazon's hosts can pass others on, since those hosts also serve the
// real AWS.
func (c *Cloud) Knows(r *http.Request) bool {
	query := r.URL.Query()
	topic := query.Get("TopicArn")
	if subscription := query.Get("SubscriptionArn"); subscription != "" {
		topic = subscription[:max(0, strings.LastIndexByte(subscription, ':'))]
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	_, isServed := c.served["https://"+r.URL.Host+r.URL.Path]
	_, isTopic := c.sns.topics[topic]
	return r.Method == http.MethodGet && (isServed || isTopic && strings.HasPrefix(r.URL.Host, "sns."))
}

// respondSNS returns the response of a host of SNS, nil for an unknown request. It has
// the two actions of the URLs in messages.
func (c *Cloud) respondSNS(r *http.Request) *http.Response {
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

// find returns the matching subscription at the host, if any.
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
