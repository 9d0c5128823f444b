package alexatest_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/alexaevents/alexaevents/alexatest"
	"github.com/alexaevents/alexaevents/sns"
)

const (
	snsURL   = "https://backend.example/sns"
	topicARN = "arn:aws:sns:us-east-2:000011112222:notifications"
)

// backend takes the messages of a topic.
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

// One topic, several endpoints, each asked for itself.
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

// Endpoints and clients of the cloud need no lock of their own.
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

func TestMistakesOfTheTest(t *testing.T) {
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
