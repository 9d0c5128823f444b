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

// The endpoint of a topic, with SNS in memory. A program leaves HTTPClient out.
func ExampleHandler() {
	cloud := alexatest.NewCloud()
	const topicARN = "arn:aws:sns:us-east-2:123456789012:Alexa-events"
	handler := &sns.Handler{
		Verifier: &sns.Verifier{Topics: []string{topicARN}, HTTPClient: cloud.Client()},
		Receive: func(_ context.Context, message *sns.Message) error {
			fmt.Println("received", message.Message)
			return nil // after the durable write
		},
	}

	// The handler confirms the subscription. Then SNS delivers.
	if err := cloud.Subscribe(topicARN, "https://backend.example/sns", handler); err != nil {
		fmt.Println(err)
		return
	}
	cloud.Publish(topicARN, []byte("good news"))
	for _, delivered := range cloud.Delivered() {
		fmt.Println(delivered.Type, delivered.Status)
	}

	response := httptest.NewRecorder()
	handler.ServeHTTP(response, cloud.NewSNSRequest("https://backend.example/sns", topicARN+"-of-another", []byte("bad news")))
	fmt.Println(response.Code)
	// Output:
	// received good news
	// SubscriptionConfirmation 200
	// Notification 200
	// 400
}

// A message that is delivered again has no second effect. A message whose effect
// failed is received again. In SQL, the ID and the effect are stored in one
// transaction:
//
//	CREATE TABLE messages (id TEXT PRIMARY KEY, received TIMESTAMP NOT NULL)
//
//	BEGIN
//	INSERT INTO messages VALUES ($1, now()) ON CONFLICT DO NOTHING -- no row: COMMIT, return nil
//	...                                                            -- the effect; an error: ROLLBACK
//	COMMIT
//
// MaxAge bounds how long an ID must be kept:
//
//	DELETE FROM messages WHERE received < now() - interval '2 hours'
func ExampleHandler_duplicate() {
	cloud := alexatest.NewCloud()
	const topicARN = "arn:aws:sns:us-east-2:123456789012:Alexa-events"
	stored := make(map[string]bool) // message IDs
	failures := 1
	effect := func(message *sns.Message) error {
		if failures > 0 {
			failures--
			return errors.New("the database is down")
		}
		fmt.Println("received", message.Message)
		return nil
	}
	handler := &sns.Handler{
		Verifier: &sns.Verifier{Topics: []string{topicARN}, MaxAge: 2 * time.Hour, HTTPClient: cloud.Client()},
		Receive: func(_ context.Context, message *sns.Message) error {
			if stored[message.ID] {
				return nil
			}
			if err := effect(message); err != nil {
				return err
			}
			stored[message.ID] = true
			return nil
		},
	}

	message, err := io.ReadAll(cloud.NewSNSRequest("https://backend.example/sns", topicARN, []byte("good news")).Body)
	if err != nil {
		fmt.Println(err)
		return
	}
	for range 3 {
		response := httptest.NewRecorder()
		handler.ServeHTTP(response, httptest.NewRequest(http.MethodPost, "/sns", bytes.NewReader(message)))
		fmt.Println(response.Code)
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
	cloud := alexatest.NewCloud()
	const topicARN = "arn:aws:sns:us-east-2:123456789012:Alexa-events"
	verifier := &sns.Verifier{Topics: []string{topicARN}, HTTPClient: cloud.Client()}
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

	ctx := context.Background()
	body, err := io.ReadAll(cloud.NewSNSRequest("https://backend.example/sns", topicARN, []byte("good news")).Body)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(handle(ctx, body))
	forged := bytes.ReplaceAll(body, []byte("good"), []byte("evil"))
	fmt.Println(errors.Is(handle(ctx, forged), sns.ErrSignature))
	// Output:
	// received good news
	// <nil>
	// true
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

// The second message of the batch is of a topic that is not listed. SQS keeps it, and
// moves it to the dead-letter queue after the last retry.
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
