// Lambda is the function that receives a skill's events where there is no server:
// it runs in AWS Lambda and keeps its customer table in DynamoDB.
//
//	GOOS=linux GOARCH=arm64 CGO_ENABLED=0 go build -tags lambda.norpc -o bootstrap ./examples/lambda
//
// Its trigger is the Alexa Skills Kit, restricted to the ID of the skill, and its
// environment SKILL_ID and ISSUER, the URL of the authorization server that links
// accounts. The tables come from the file cloudformation.yaml of dynamostore.
package main

import (
	"context"
	"log"
	"log/slog"
	"os"

	"github.com/MicahParks/keyfunc/v3"
	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/alexaevents/alexaevents/identity"
	"github.com/alexaevents/alexaevents/skillevents"
	"github.com/alexaevents/alexaevents/store/dynamostore"
)

func main() {
	ctx := context.Background()
	settings, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		log.Fatal(err)
	}
	issuer := os.Getenv("ISSUER")
	keys, err := keyfunc.NewDefaultCtx(ctx, []string{issuer + "/jwks.json"})
	if err != nil {
		log.Fatal(err)
	}
	accounts := &identity.JWT{Keyfunc: keys.Keyfunc, Issuer: issuer, Audience: "alexa-skill"}
	recorder := &identity.Recorder{
		Store:   dynamostore.New(dynamodb.NewFromConfig(settings)),
		Account: accounts.Account,
		Logger:  slog.New(slog.NewJSONHandler(os.Stderr, nil)),
	}
	lambda.Start((&skillevents.Lambda{Skills: []string{os.Getenv("SKILL_ID")}, Receive: recorder.Record}).Invoke)
}
