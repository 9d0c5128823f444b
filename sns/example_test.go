package sns_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"

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
	// sns: the signature does not fit the message: a signature of 0 bytes
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
