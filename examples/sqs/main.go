// Sqs delivers events to Alexa through an Amazon SQS FIFO queue, for backends that
// have no database to keep an outbox in: this Lambda function reads the queue.
//
// Set ReportBatchItemFailures in its event source mapping, a redrive policy with a
// dead-letter queue on the queue, and a visibility timeout of six times the function's
// timeout. The part of the backend that sends events needs queue.go.
package main

import (
	"context"
	"log"
	"log/slog"
	"os"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/alexaevents/alexaevents/gateway"
	"github.com/alexaevents/alexaevents/lwa"
	"github.com/alexaevents/alexaevents/store/dynamostore"
)

func main() {
	settings, err := config.LoadDefaultConfig(context.Background())
	if err != nil {
		log.Fatal(err)
	}
	tokens := &lwa.Source{
		Client: &lwa.Client{ID: os.Getenv("LWA_CLIENT_ID"), Secret: os.Getenv("LWA_CLIENT_SECRET")},
		Store:  dynamostore.New(dynamodb.NewFromConfig(settings)),
	}
	w := &worker{sender: &gateway.Sender{Tokens: tokens, Logger: slog.Default()}, logger: slog.Default()}
	lambda.Start(w.Invoke)
}
