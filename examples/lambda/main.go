// Lambda receives a skill's events without a server: it runs in AWS Lambda and keeps
// its customer table in DynamoDB.
//
//	GOOS=linux GOARCH=arm64 CGO_ENABLED=0 go build -tags lambda.norpc -o bootstrap ./examples/lambda
//
// Its trigger is the Alexa Skills Kit, restricted to the ID of the skill. Its
// environment has SKILL_ID, ISSUER, the URL of the authorization server that links
// accounts, and ACCOUNTS, the backend's own DynamoDB table of accounts by id. The
// library's tables come from the file cloudformation.yaml of dynamostore.
package main

import (
	"context"
	"log"
	"log/slog"
	"os"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/alexaevents/alexaevents/identity"
	"github.com/alexaevents/alexaevents/skillevents"
	"github.com/alexaevents/alexaevents/store/dynamostore"
)

func main() {
	settings, err := config.LoadDefaultConfig(context.Background())
	if err != nil {
		log.Fatal(err)
	}
	logger := slog.New(slog.NewJSONHandler(os.Stderr, nil))
	client := dynamodb.NewFromConfig(settings)
	lambda.Start(newFunction(client, os.Getenv, logger).Invoke)
}

func newFunction(client *dynamodb.Client, env func(string) string, logger *slog.Logger) *skillevents.Lambda {
	issuer := env("ISSUER")
	keys := &keys{url: issuer + "/jwks.json"}
	tokens := &identity.JWT{
		Keyfunc:  keys.key,
		Issuer:   issuer,
		Audience: "alexa-skill",
		Exists:   accounts{client, env("ACCOUNTS")}.exist,
	}
	recorder := &identity.Recorder{Store: dynamostore.New(client), Account: tokens.Account, Logger: logger}
	return &skillevents.Lambda{Skills: []string{env("SKILL_ID")}, Receive: recorder.Record, Logger: logger}
}

// accounts are the backend's own.
type accounts struct {
	client *dynamodb.Client
	table  string
}

func (a accounts) exist(ctx context.Context, accountID string) (bool, error) {
	item, err := a.client.GetItem(ctx, &dynamodb.GetItemInput{
		TableName:      &a.table,
		Key:            map[string]types.AttributeValue{"id": &types.AttributeValueMemberS{Value: accountID}},
		ConsistentRead: new(true), // an account that was just erased is gone
	})
	return err == nil && len(item.Item) > 0, err
}
