package alexatest_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/alexaevents/alexaevents/alexatest"
)

// confirmation is what SNS asks an endpoint.
type confirmation struct {
	Token, SubscribeURL, Type string
	SubscriptionARN           string `json:"-"` // of the header
}

// listener is an endpoint that keeps what it is asked and confirms nothing.
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
	_, _ = io.WriteString(w, "an answer")
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
			require.Contains(t, body, "nothing answers GET https://sns.us-east-2.amazonaws.com/")
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

// A backend takes the end of its subscription for what it is; who visits the URL
// in the message subscribes again.
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
		name    string
		topic   alexatest.Topic
		answers []int // the last one stays
		slow    time.Duration
		want    []int
		takes   time.Duration
	}{
		{name: "acknowledged", answers: []int{204}, want: []int{204}},
		{name: "refused", answers: []int{400}, want: []int{400}},
		{name: "redirected", answers: []int{302}, want: []int{302}},
		{name: "never", answers: []int{500}, want: []int{500, 500, 500, 500}},
		{name: "at last", answers: []int{500, 503, 429, 200}, want: []int{500, 503, 429, 200}},
		{name: "refused at last", answers: []int{503, 403}, want: []int{503, 403}},
		{name: "with a pause", topic: alexatest.Topic{Pause: 20 * time.Second}, answers: []int{500, 500, 200}, want: []int{500, 500, 200}, takes: 40 * time.Second},
		{name: "more often", topic: alexatest.Topic{Retries: 5}, answers: []int{500}, want: []int{500, 500, 500, 500, 500, 500}},
		{name: "not at all", topic: alexatest.Topic{Retries: -1}, answers: []int{500}, want: []int{500}},
		{name: "in time", answers: []int{200}, slow: 15*time.Second - 1, want: []int{200}, takes: 15*time.Second - 1},
		{name: "too late", topic: alexatest.Topic{Retries: 1}, answers: []int{200}, slow: 16 * time.Second, want: []int{0, 0}, takes: 32 * time.Second},
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
					w.WriteHeader(test.answers[min(calls, len(test.answers)-1)])
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

// SNS tries again until the backend can have the certificate, which it does not
// ask for all the time.
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
