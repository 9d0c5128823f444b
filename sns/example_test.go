package sns_test

import (
	"bytes"
	"context"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"github.com/alexaevents/alexaevents/alexatest"
	"github.com/alexaevents/alexaevents/sns"
)

// The endpoint of a topic, with Amazon in memory as its caller. Outside a test,
// leave out HTTPClient.
func ExampleHandler() {
	const topic = "arn:aws:sns:us-east-2:123456789012:Alexa-events"
	cloud := alexatest.NewCloud()
	mux := http.NewServeMux()
	mux.Handle("POST /sns", &sns.Handler{
		Verifier: &sns.Verifier{Topics: []string{topic}, HTTPClient: cloud.Client()},
		Receive: func(_ context.Context, message *sns.Message) error {
			fmt.Println("received", message.Message)
			return nil // after the durable write
		},
		Observe: func(_ context.Context, o sns.Observation) {
			fmt.Println(o.Outcome, o.Err)
		},
	})

	err := cloud.Subscribe(topic, "https://backend.example/sns", mux) // SNS asks the endpoint to confirm
	fmt.Println("subscribed:", err)
	cloud.Publish(topic, []byte("good news"))

	body, _ := io.ReadAll(cloud.NewSNSRequest("https://backend.example/sns", topic, []byte("good news")).Body)
	forged := bytes.ReplaceAll(body, []byte("good"), []byte("bad"))
	w := httptest.NewRecorder()
	mux.ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/sns", bytes.NewReader(forged)))
	fmt.Println(w.Code)
	// Output:
	// received <nil>
	// subscribed: <nil>
	// received good news
	// received <nil>
	// refused sns: the signature does not match the message: SNS has not signed it, or a proxy has changed it on the way
	// 400
}

// messages stores the IDs of the messages whose effects are stored. In a database
// it is a table:
//
//	CREATE TABLE messages (id TEXT PRIMARY KEY, received TIMESTAMP NOT NULL)
type messages map[string]bool

// once calls effect unless the message is stored already. It stores the message
// together with the effect, in one transaction. In SQL:
//
//	BEGIN
//	INSERT INTO messages VALUES ($1, now()) ON CONFLICT DO NOTHING    -- no row: COMMIT, return nil
//	...                                                               -- the effect; an error: ROLLBACK
//	COMMIT
func (m messages) once(effect func(context.Context, *sns.Message) error) func(context.Context, *sns.Message) error {
	return func(ctx context.Context, message *sns.Message) error {
		if m[message.ID] {
			return nil
		}
		if err := effect(ctx, message); err != nil {
			return err
		}
		m[message.ID] = true
		return nil
	}
}

// A duplicate of a message has no second effect, whether SNS or an attacker sends
// it. A message whose effect failed is received again. MaxAge limits how long the
// IDs must be stored.
func ExampleHandler_duplicate() {
	const topic = "arn:aws:sns:us-east-2:123456789012:Alexa-events"
	cloud := alexatest.NewCloud()
	failures := 1
	handler := &sns.Handler{
		Verifier: &sns.Verifier{
			Topics:     []string{topic},
			HTTPClient: cloud.Client(),
			MaxAge:     2 * time.Hour, // DELETE FROM messages WHERE received < now() - interval '2 hours'
		},
		Receive: messages{}.once(func(_ context.Context, message *sns.Message) error {
			if failures > 0 {
				failures--
				return errors.New("the database is down")
			}
			fmt.Println("received", message.Message)
			return nil
		}),
	}
	request := cloud.NewSNSRequest("https://backend.example/sns", topic, []byte("good news"))
	for range 3 {
		request.Body, _ = request.GetBody()
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, request)
		fmt.Println(w.Code)
	}
	// Output:
	// 500
	// received good news
	// 200
	// 200
}

// Raw messages have no signature. SNS sends the credentials of the subscription's
// endpoint, https://sns:secret@backend.example/sns, after a response of 401.
func ExampleHandler_rawDelivery() {
	handler := &sns.Handler{
		Verifier: &sns.Verifier{Topics: []string{"arn:aws:sns:us-east-2:123456789012:Alexa-events"}},
		UnverifiedRaw: func(r *http.Request) error {
			_, password, _ := r.BasicAuth()
			if subtle.ConstantTimeCompare([]byte(password), []byte("secret")) != 1 {
				return sns.ErrUnauthorized
			}
			return nil
		},
		Receive: func(_ context.Context, message *sns.Message) error {
			fmt.Println("received", message.Message)
			return nil // after the durable write
		},
	}
	deliver := func(password string) {
		r := httptest.NewRequest(http.MethodPost, "/sns", strings.NewReader("good news"))
		r.Header.Set("X-Amz-Sns-Rawdelivery", "true")
		r.Header.Set("X-Amz-Sns-Message-Type", "Notification")
		r.Header.Set("X-Amz-Sns-Message-Id", "5f1e2d3c-4b5a-5697-8897-a6b5c4d3e2f1")
		r.Header.Set("X-Amz-Sns-Topic-Arn", "arn:aws:sns:us-east-2:123456789012:Alexa-events")
		if password != "" {
			r.SetBasicAuth("sns", password)
		}
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		fmt.Println(w.Code, w.Header().Get("WWW-Authenticate"))
	}
	deliver("")
	deliver("secret")
	// Output:
	// 401 Basic realm="sns"
	// received good news
	// 200
}

// A backend without net/http handlers verifies the exact bytes of the body.
func ExampleVerifier_Verify() {
	const topic = "arn:aws:sns:us-east-2:123456789012:Alexa-events"
	cloud := alexatest.NewCloud()
	verifier := &sns.Verifier{Topics: []string{topic}, HTTPClient: cloud.Client()}
	handle := func(ctx context.Context, body []byte) error {
		message, err := verifier.Verify(ctx, body)
		if err != nil {
			return err // respond with 503 if it is sns.ErrFetch, else with 400
		}
		switch message.Type {
		case sns.Notification:
			fmt.Println("received", message.Message)
		case sns.SubscriptionConfirmation:
			return verifier.Confirm(ctx, message)
		}
		return nil
	}

	request := cloud.NewSNSRequest("https://backend.example/sns", topic, []byte("good news"))
	body, _ := io.ReadAll(request.Body)
	fmt.Println(handle(context.Background(), body))
	fmt.Println(handle(context.Background(), bytes.ReplaceAll(body, []byte("good"), []byte("bad"))))
	// Output:
	// received good news
	// <nil>
	// sns: the signature does not match the message: SNS has not signed it, or a proxy has changed it on the way
}

// In a program, the Invoke method goes to lambda.Start of aws-lambda-go:
//
//	lambda.Start(function.Invoke)
func ExampleLambda() {
	function := &sns.Lambda{
		Topics: []string{"arn:aws:sns:us-east-2:123456789012:Alexa-events"},
		Receive: func(_ context.Context, message *sns.Message) error {
			fmt.Println("received", message.ID, message.Message)
			return nil // after the durable write
		},
	}

	_, err := function.Invoke(context.Background(), json.RawMessage(`{"Records": [{"EventSource": "aws:sns", "Sns": {
		"Type": "Notification",
		"MessageId": "5f1e2d3c-4b5a-5697-8897-a6b5c4d3e2f1",
		"TopicArn": "arn:aws:sns:us-east-2:123456789012:Alexa-events",
		"Subject": null,
		"Message": "good news",
		"Timestamp": "2026-11-21T22:00:00.000Z"}}]}`))
	fmt.Println(err)
	// Output:
	// received 5f1e2d3c-4b5a-5697-8897-a6b5c4d3e2f1 good news
	// <nil>
}

// The second message of the batch is of a topic that is not listed. SQS delivers
// it again, and at last moves it to the dead-letter queue.
func ExampleSQS() {
	function := &sns.SQS{
		Topics: []string{"arn:aws:sns:us-east-2:123456789012:Alexa-events"},
		Receive: func(_ context.Context, message *sns.Message) error {
			fmt.Println("received", message.Message)
			return nil // after the durable write
		},
	}
	body := func(topic string) string {
		text, _ := json.Marshal(map[string]string{
			"Type": "Notification", "MessageId": "5f1e2d3c-4b5a-5697-8897-a6b5c4d3e2f1", "TopicArn": topic,
			"Message": "good news", "Timestamp": "2026-11-21T22:00:00.000Z",
		})
		return string(text)
	}
	batch, _ := json.Marshal(map[string]any{"Records": []map[string]string{
		{"messageId": "m-1", "body": body("arn:aws:sns:us-east-2:123456789012:Alexa-events")},
		{"messageId": "m-2", "body": body("arn:aws:sns:us-east-2:123456789012:others")},
	}})

	response, err := function.Invoke(context.Background(), batch)
	fmt.Println(string(response), err)
	// Output:
	// received good news
	// {"batchItemFailures":[{"itemIdentifier":"m-2"}]} <nil>
}
