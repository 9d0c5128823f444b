package alexatest

import (
	"cmp"
	"crypto/rand"
	"fmt"
	"net/http"
	"time"

	"github.com/google/uuid"
)

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
