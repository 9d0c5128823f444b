package dynamostore_test

import (
	"context"
	"fmt"
	"log"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/alexaevents/alexaevents/identity"
	"github.com/alexaevents/alexaevents/store/dynamostore"
)

// A customer links an account and disables the skill. This uses DynamoDB Local on this
// machine; on AWS, use dynamodb.NewFromConfig with the settings of package config.
func Example() {
	client := dynamodb.New(dynamodb.Options{
		BaseEndpoint: aws.String("http://localhost:8000"),
		Region:       "eu-west-1",
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "local", SecretAccessKey: "local"}, nil
		}),
	})
	ctx := context.Background()
	store := dynamostore.New(client)
	store.Prefix = "example_"
	if err := store.CreateTables(ctx); err != nil {
		log.Fatal(err)
	}

	// In a backend, an identity.Recorder adds the facts of the events that arrive.
	const skillID, userID = "amzn1.ask.skill.EXAMPLE", "amzn1.ask.account.EXAMPLE"
	start := time.Date(2019, 9, 1, 0, 0, 0, 0, time.UTC)
	for _, fact := range []identity.Fact{
		{SkillID: skillID, AmazonUserID: userID, At: start, Kind: identity.Linked, AccountID: "customer-7"},
		{SkillID: skillID, AmazonUserID: userID, At: start.AddDate(0, 0, 5), Kind: identity.Disabled},
	} {
		if err := store.AddFact(ctx, fact); err != nil {
			log.Fatal(err)
		}
	}

	for record, err := range store.UserRecords(ctx, skillID, userID) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(record.AccountID, record.EndDatetime)
	}
	// It prints:
	// customer-7 2019-09-06 00:00:00 +0000 UTC
}
