package alexatest_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/alexaevents/alexaevents/alexatest"
	"github.com/alexaevents/alexaevents/sns"
)

const (
	snsURL   = "https://backend.example/sns"
	topicARN = "arn:aws:sns:us-east-2:000011112222:notifications"
)

// backend receives the messages of a topic.
type backend struct {
	*sns.Handler
	messages []*sns.Message
	err      error
}

func newBackend(cloud *alexatest.Cloud, topics ...string) *backend {
	b := new(backend)
	b.Handler = &sns.Handler{
		Verifier: &sns.Verifier{Topics: topics, HTTPClient: cloud.Client()},
		Receive: func(_ context.Context, m *sns.Message) error {
			b.messages = append(b.messages, m)
			return b.err
		},
	}
	return b
}

func (b *backend) texts() (texts []string) {
	for _, m := range b.messages {
		texts = append(texts, m.Message)
	}
	return texts
}

func serve(h http.Handler, r *http.Request) (status int) {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Code
}

func bodyOf(t *testing.T, r *http.Request) []byte {
	t.Helper()
	body, err := io.ReadAll(r.Body)
	require.NoError(t, err)
	return body
}

func TestSubscribe(t *testing.T) {
	for _, arn := range topicARNs {
		cloud := alexatest.NewCloud()
		b := newBackend(cloud, arn)
		require.NoError(t, cloud.Subscribe(arn, snsURL, b))
		require.Equal(t, 1, cloud.Calls(hostOf(arn)+"/SimpleNotificationService-"))
		require.Equal(t, 2, cloud.Calls(hostOf(arn)+"/"), "the certificate and the confirmation")

		id := cloud.Publish(arn, []byte("text"))
		require.Equal(t, []string{"text"}, b.texts())
		require.Equal(t, id, b.messages[0].ID)
		require.NoError(t, cloud.Subscribe(arn, snsURL, b), "it has confirmed")

		got := cloud.Delivered()
		require.Len(t, got, 2)
		require.Contains(t, got[0].Message, arn)
		want := []alexatest.Delivered{
			{TopicARN: arn, URL: snsURL, Type: "SubscriptionConfirmation", MessageID: got[0].MessageID, Message: got[0].Message, Status: 200},
			{TopicARN: arn, URL: snsURL, Type: "Notification", MessageID: id, Message: "text", Status: 200},
		}
		require.Empty(t, cmp.Diff(want, got))
	}
}

// One topic has several endpoints, each with its own confirmation.
func TestEndpointsOfATopic(t *testing.T) {
	cloud := alexatest.NewCloud()
	first, second, deaf := newBackend(cloud, topicARN), newBackend(cloud, topicARN, topicARN+"2"), newBackend(cloud)
	require.NoError(t, cloud.Subscribe(topicARN, snsURL+"/1", first))
	require.NoError(t, cloud.Subscribe(topicARN, snsURL+"/2", second))
	require.NoError(t, cloud.Subscribe(topicARN+"2", snsURL+"/2", second))
	require.EqualError(t, cloud.Subscribe(topicARN, snsURL+"/3", deaf),
		"alexatest: https://backend.example/sns/3 has not confirmed its subscription to "+topicARN)
	cloud.Publish(topicARN, []byte("a"))
	cloud.Publish(topicARN+"2", []byte("b"))
	require.Equal(t, []string{"a"}, first.texts())
	require.Equal(t, []string{"a", "b"}, second.texts())
	require.Empty(t, deaf.texts())
	require.Equal(t, first.messages[0].ID, second.messages[0].ID)
}

func TestHoldMessages(t *testing.T) {
	cloud := alexatest.NewCloud()
	b := newBackend(cloud, topicARN)
	cloud.HoldMessages()
	require.NoError(t, cloud.Subscribe(topicARN, snsURL, b), "only what is published is held")
	published := strings.Split("abcdefgh", "")
	release := func(seed uint64) (texts []string) {
		cloud.HoldMessages()
		b.messages = nil
		ids := map[string]string{}
		for _, text := range published {
			ids[text] = cloud.Publish(topicARN, []byte(text))
		}
		require.Empty(t, b.messages)
		cloud.ReleaseMessages(seed)
		for _, m := range b.messages {
			require.Equal(t, ids[m.Message], m.ID, "the same in every delivery")
		}
		for text := range ids {
			require.Contains(t, b.texts(), text)
		}
		return b.texts()
	}
	first := release(1)
	require.Equal(t, first, release(1), "the seed decides")
	require.NotEqual(t, first, release(2))
	require.Greater(t, len(first), 8)
	require.NotEqual(t, published, first[:8])

	b.messages = nil
	cloud.Publish(topicARN, []byte("at once"))
	require.Equal(t, []string{"at once"}, b.texts())
}

// Endpoints and clients of the cloud need no locks.
func TestSNSIsConcurrent(t *testing.T) {
	cloud := alexatest.NewCloud()
	var received atomic.Int32
	handler := &sns.Handler{
		Verifier: &sns.Verifier{Topics: []string{topicARN}, HTTPClient: cloud.Client()},
		Receive: func(_ context.Context, m *sns.Message) error {
			if received.Add(1); m.Message == "1" {
				cloud.Publish(topicARN, []byte("2")) // by the endpoint itself
			}
			return nil
		},
	}
	require.NoError(t, cloud.Subscribe(topicARN, snsURL, handler))
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			cloud.Publish(topicARN, []byte("1"))
			_ = cloud.Subscribe(topicARN, snsURL, handler)
			cloud.SetTopic(alexatest.Topic{ARN: topicARN, SHA1: true})
			cloud.Delivered()
		})
	}
	group.Wait()
	require.EqualValues(t, 16, received.Load())
	require.Len(t, cloud.Delivered(), 17)
}

func TestInvalidArguments(t *testing.T) {
	cloud := alexatest.NewCloud()
	for name, mistake := range map[string]func(){
		"no topic":          func() { cloud.Publish(topicARN, nil) },
		"no ARN":            func() { cloud.SetTopic(alexatest.Topic{}) },
		"the ARN of a role": func() { _ = cloud.Subscribe("arn:aws:iam::000011112222:role/x", snsURL, nil) },
		"no ARN to sign":    func() { cloud.NewSNSRequest(snsURL, "x", nil) },
		"no URL":            func() { cloud.NewSNSRequest("\n", topicARN, nil) },
		"not UTF-8":         func() { cloud.NewSNSRequest(snsURL, topicARN, []byte("\xff")) },
	} {
		require.Panics(t, mistake, name)
	}
	require.NoError(t, cloud.Subscribe(topicARN, snsURL, newBackend(cloud, topicARN)), "it is usable afterwards")
}

// confirmation is a subscription confirmation.
type confirmation struct {
	Token, SubscribeURL, Type string
	SubscriptionARN           string `json:"-"` // of the header
}

// listener is an endpoint that keeps its confirmations and confirms none.
type listener struct {
	asked  []confirmation
	status int
}

func (l *listener) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var asked confirmation
	if json.NewDecoder(r.Body).Decode(&asked) == nil {
		asked.SubscriptionARN = r.Header.Get("X-Amz-Sns-Subscription-Arn")
		l.asked = append(l.asked, asked)
	}
	if l.status != 0 {
		w.WriteHeader(l.status)
	}
	_, _ = io.WriteString(w, "a body")
}

func visit(t *testing.T, cloud *alexatest.Cloud, url string) (status int, body string) {
	t.Helper()
	response, err := cloud.Client().Get(url)
	require.NoError(t, err)
	defer response.Body.Close()
	data, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	return response.StatusCode, string(data)
}

func TestConfirmation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cloud := alexatest.NewCloud()
		l := new(listener)
		require.Error(t, cloud.Subscribe(topicARN, snsURL, l))
		cloud.Publish(topicARN, []byte("early"))
		require.Len(t, l.asked, 1, "nothing before it has confirmed")
		require.NoError(t, cloud.Subscribe(topicARN+"2", snsURL, newBackend(cloud, topicARN+"2")))

		asked := l.asked[0].SubscribeURL
		require.Contains(t, asked, l.asked[0].Token)
		for name, other := range map[string]string{
			"another token":  strings.ReplaceAll(asked, l.asked[0].Token, l.asked[0].Token+"1"),
			"no token":       strings.ReplaceAll(asked, l.asked[0].Token, ""),
			"another topic":  strings.ReplaceAll(asked, "notifications", "notifications2"),
			"another region": strings.Replace(asked, "us-east-2", "us-east-1", 1),
		} {
			status, body := visit(t, cloud, other)
			require.Equal(t, 400, status, name)
			require.Contains(t, body, "<Code>InvalidParameter</Code>", name)
		}
		for _, other := range []string{
			strings.Replace(asked, "ConfirmSubscription", "DeleteTopic", 1),
			strings.Replace(asked, "/?", "/other?", 1),
		} {
			status, body := visit(t, cloud, other)
			require.Equal(t, 404, status)
			require.Contains(t, body, "unknown request GET https://sns.us-east-2.amazonaws.com/")
		}
		cloud.Publish(topicARN, []byte("early"))
		require.Len(t, l.asked, 1)

		var subscriptionARN string
		for range 2 { // it may be said twice
			status, body := visit(t, cloud, asked)
			require.Equal(t, 200, status)
			_, body, _ = strings.Cut(body, "<ConfirmSubscriptionResult><SubscriptionArn>")
			subscriptionARN, _, _ = strings.Cut(body, "<")
			require.True(t, strings.HasPrefix(subscriptionARN, topicARN+":"), subscriptionARN)
		}
		require.Empty(t, l.asked[0].SubscriptionARN, "it has none yet")
		cloud.Publish(topicARN, []byte("now"))
		require.Len(t, l.asked, 2)
		require.Equal(t, confirmation{Type: "Notification", SubscriptionARN: subscriptionARN}, l.asked[1])

		require.Error(t, cloud.Subscribe(topicARN, snsURL+"/late", l))
		late := l.asked[2]
		time.Sleep(48*time.Hour - time.Second)
		status, _ := visit(t, cloud, late.SubscribeURL)
		require.Equal(t, 200, status)
		require.Error(t, cloud.Subscribe(topicARN, snsURL+"/later", l))
		time.Sleep(48 * time.Hour)
		status, _ = visit(t, cloud, l.asked[3].SubscribeURL)
		require.Equal(t, 400, status)
	})
}

// A backend does not confirm the end of its subscription; visiting the URL in the
// message subscribes again.
func TestUnsubscribe(t *testing.T) {
	cloud := alexatest.NewCloud()
	l := new(listener)
	b := newBackend(cloud, topicARN)
	var unsubscribe string
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body := bodyOf(t, r)
		r.Body = io.NopCloser(bytes.NewReader(body))
		b.ServeHTTP(w, r)
		var notice struct{ UnsubscribeURL string }
		if json.Unmarshal(body, &notice) == nil && notice.UnsubscribeURL != "" {
			unsubscribe = notice.UnsubscribeURL
		}
		l.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodPost, "/", bytes.NewReader(body)))
	})
	require.NoError(t, cloud.Subscribe(topicARN, snsURL, handler))
	cloud.Publish(topicARN, []byte("1"))
	status, body := visit(t, cloud, unsubscribe)
	require.Equal(t, 200, status)
	require.Contains(t, body, "UnsubscribeResponse")
	status, _ = visit(t, cloud, unsubscribe)
	require.Equal(t, 400, status, "it has ended")
	cloud.Publish(topicARN, []byte("2"))
	require.Equal(t, []string{"1"}, b.texts())
	require.Equal(t, "UnsubscribeConfirmation", l.asked[2].Type)

	status, _ = visit(t, cloud, l.asked[2].SubscribeURL)
	require.Equal(t, 200, status)
	cloud.Publish(topicARN, []byte("3"))
	require.Equal(t, []string{"1", "3"}, b.texts())
}

func TestRetries(t *testing.T) {
	for _, test := range []struct {
		name     string
		topic    alexatest.Topic
		statuses []int // the last one stays
		slow     time.Duration
		want     []int
		takes    time.Duration
	}{
		{name: "acknowledged", statuses: []int{204}, want: []int{204}},
		{name: "refused", statuses: []int{400}, want: []int{400}},
		{name: "redirected", statuses: []int{302}, want: []int{302}},
		{name: "never", statuses: []int{500}, want: []int{500, 500, 500, 500}},
		{name: "at last", statuses: []int{500, 503, 429, 200}, want: []int{500, 503, 429, 200}},
		{name: "refused at last", statuses: []int{503, 403}, want: []int{503, 403}},
		{name: "with a pause", topic: alexatest.Topic{Pause: 20 * time.Second}, statuses: []int{500, 500, 200}, want: []int{500, 500, 200}, takes: 40 * time.Second},
		{name: "more often", topic: alexatest.Topic{Retries: 5}, statuses: []int{500}, want: []int{500, 500, 500, 500, 500, 500}},
		{name: "not at all", topic: alexatest.Topic{Retries: -1}, statuses: []int{500}, want: []int{500}},
		{name: "in time", statuses: []int{200}, slow: 15*time.Second - 1, want: []int{200}, takes: 15*time.Second - 1},
		{name: "too late", topic: alexatest.Topic{Retries: 1}, statuses: []int{200}, slow: 16 * time.Second, want: []int{0, 0}, takes: 32 * time.Second},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				cloud := alexatest.NewCloud()
				require.NoError(t, cloud.Subscribe(topicARN, snsURL, newBackend(cloud, topicARN)))
				test.topic.ARN = topicARN
				cloud.SetTopic(test.topic)
				before := len(cloud.Delivered())
				calls := 0
				require.NoError(t, cloud.Subscribe(topicARN, snsURL, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
					time.Sleep(test.slow)
					w.WriteHeader(103)
					w.WriteHeader(test.statuses[min(calls, len(test.statuses)-1)])
					w.WriteHeader(418) // too late
					calls++
				})))
				start := time.Now()
				id := cloud.Publish(topicARN, []byte("text"))
				require.Equal(t, test.takes, time.Since(start))
				var got []int
				for _, d := range cloud.Delivered()[before:] {
					got = append(got, d.Status)
					require.Equal(t, id, d.MessageID)
				}
				require.Equal(t, test.want, got)
			})
		})
	}
}

// SNS retries until the backend can fetch the certificate; the backend does not try to
// for each delivery.
func TestCertificateHostIsDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cloud := alexatest.NewCloud()
		b := newBackend(cloud, topicARN)
		cloud.SetTopic(alexatest.Topic{ARN: topicARN, Pause: 20 * time.Second})
		cloud.Fail(alexatest.Fault{URL: "https://sns.us-east-2.amazonaws.com/", Status: 500, Times: 4})
		require.NoError(t, cloud.Subscribe(topicARN, snsURL, b))
		var got []int
		for _, d := range cloud.Delivered() {
			got = append(got, d.Status)
		}
		require.Equal(t, []int{503, 503, 200}, got)
		cloud.Publish(topicARN, []byte("text"))
		require.Equal(t, []string{"text"}, b.texts())
	})
}

// An endpoint without a handler is reached by its URL.
func TestEndpointInAnotherProcess(t *testing.T) {
	cloud := alexatest.NewCloud()
	b := newBackend(cloud, topicARN)
	server := httptest.NewServer(b)
	require.NoError(t, cloud.Subscribe(topicARN, server.URL+"/sns", nil))
	cloud.Publish(topicARN, []byte("over the wire"))
	require.Equal(t, []string{"over the wire"}, b.texts())

	server.Close()
	cloud.SetTopic(alexatest.Topic{ARN: topicARN, Retries: 1})
	cloud.Publish(topicARN, []byte("lost"))
	got := cloud.Delivered()
	require.Len(t, got, 4)
	require.Zero(t, got[3].Status)
}

func TestKnows(t *testing.T) {
	cloud := alexatest.NewCloud()
	cloud.SetTopic(alexatest.Topic{ARN: topicARN})
	certificate := cloud.NewRequest(url, nil).Header.Get("SignatureCertChainUrl")
	const host = "https://sns.eu-west-1.amazonaws.com/"
	for url, want := range map[string]bool{
		certificate:       true,
		certificate + "x": false,
		host + "?Action=ConfirmSubscription&TopicArn=" + topicARN:       true,
		host + "?Action=Unsubscribe&SubscriptionArn=" + topicARN + ":1": true,
		host + "?Action=ConfirmSubscription&TopicArn=" + topicARN + "x": false,
		host + "?Action=Unsubscribe&SubscriptionArn=1":                  false,
		host: false,
	} {
		require.Equal(t, want, cloud.Knows(httptest.NewRequest(http.MethodGet, url, http.NoBody)), url)
		require.False(t, cloud.Knows(httptest.NewRequest(http.MethodPost, url, http.NoBody)), url)
	}
}
