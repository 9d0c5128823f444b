package sns_test

import (
	"bytes"
	"context"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"github.com/alexaevents/alexaevents/sns"
)

// The endpoint of a topic, with SNS in memory as its caller. Outside a test,
// leave out HTTPClient.
func ExampleHandler() {
	mux := http.NewServeMux()
	mux.Handle("POST /sns", &sns.Handler{
		Verifier: &sns.Verifier{
			Topics:     []string{"arn:aws:sns:us-east-2:123456789012:Alexa-events"},
			HTTPClient: &http.Client{Transport: newAmazon()},
		},
		Receive: func(_ context.Context, message *sns.Message) error {
			fmt.Println("received", message.Message)
			return nil // after the durable write
		},
	})
	deliver := func(body []byte) {
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/sns", bytes.NewReader(body)))
		fmt.Println("answered", w.Code)
	}

	message := notification().with("Message", "good news").signed()
	deliver(message)
	deliver(bytes.ReplaceAll(message, []byte("good"), []byte("bad")))
	deliver(confirmation(sns.SubscriptionConfirmation).signed())
	// Output:
	// received good news
	// answered 200
	// answered 400
	// answered 200
}

// messages are the IDs of the messages whose effects are stored, as a table of a
// database has them:
//
//	CREATE TABLE messages (id TEXT PRIMARY KEY, received TIMESTAMP NOT NULL)
type messages struct{ ids map[string]bool }

// once calls effect unless the message is stored already, and stores the message
// with what effect has done, in one transaction. In SQL:
//
//	BEGIN
//	INSERT INTO messages VALUES ($1, now()) ON CONFLICT DO NOTHING    -- no row: COMMIT, return nil
//	...                                                               -- the effect; an error: ROLLBACK
//	COMMIT
func (m messages) once(effect func(context.Context, *sns.Message) error) func(context.Context, *sns.Message) error {
	return func(ctx context.Context, message *sns.Message) error {
		if m.ids[message.ID] {
			return nil
		}
		if err := effect(ctx, message); err != nil {
			return err
		}
		m.ids[message.ID] = true
		return nil
	}
}

// A message that SNS or a stranger delivers again has no second effect. A message
// whose effect failed is received again. MaxAge bounds how long an ID must be
// kept.
func ExampleHandler_repeated() {
	failures := 1
	handler := &sns.Handler{
		Verifier: &sns.Verifier{
			Topics:     []string{"arn:aws:sns:us-east-2:123456789012:Alexa-events"},
			MaxAge:     2 * time.Hour, // DELETE FROM messages WHERE received < now() - interval '2 hours'
			Now:        func() time.Time { return now },
			HTTPClient: &http.Client{Transport: newAmazon()},
		},
		Receive: messages{map[string]bool{}}.once(func(_ context.Context, message *sns.Message) error {
			if failures > 0 {
				failures--
				return errors.New("the database is down")
			}
			fmt.Println("received", message.Message)
			return nil
		}),
	}
	message := notification().with("Message", "good news").signed()
	for range 3 {
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/sns", bytes.NewReader(message)))
		fmt.Println("responded with", w.Code)
	}
	// Output:
	// responded with 500
	// received good news
	// responded with 200
	// responded with 200
}

// Raw messages have no signature. SNS sends the credentials of the subscription's
// endpoint, https://sns:secret@backend.example/sns, once it is asked for them.
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
		fmt.Println("responded with", w.Code, w.Header().Get("WWW-Authenticate"))
	}
	deliver("")
	deliver("secret")
	// Output:
	// responded with 401 Basic realm="sns"
	// received good news
	// responded with 200
}

// A backend without net/http handlers verifies the exact bytes of the body.
func ExampleVerifier_Verify() {
	verifier := &sns.Verifier{
		Topics:     []string{"arn:aws:sns:us-east-2:123456789012:Alexa-events"},
		HTTPClient: &http.Client{Transport: newAmazon()},
	}
	handle := func(ctx context.Context, body []byte) error {
		message, err := verifier.Verify(ctx, body)
		if err != nil {
			return err // answer 503 if it is sns.ErrFetch, else 400
		}
		switch message.Type {
		case sns.Notification:
			fmt.Println("received", message.Message)
		case sns.SubscriptionConfirmation:
			return verifier.Confirm(ctx, message)
		}
		return nil
	}

	fmt.Println(handle(context.Background(), confirmation(sns.SubscriptionConfirmation).signed()))
	fmt.Println(handle(context.Background(), notification().with("Message", "good news").signed()))
	fmt.Println(handle(context.Background(), notification().with("Message", "forged").json()))
	// Output:
	// <nil>
	// received good news
	// <nil>
	// sns: the signature does not match the message: a signature of 0 bytes
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

// The second message of the batch is of a topic that is not listed. SQS keeps
// it, and moves it to the dead-letter queue in the end.
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

	answer, err := function.Invoke(context.Background(), batch)
	fmt.Println(string(answer), err)
	// Output:
	// received good news
	// {"batchItemFailures":[{"itemIdentifier":"m-2"}]} <nil>
}
