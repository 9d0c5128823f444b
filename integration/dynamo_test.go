package integration

import (
	"context"
	"crypto/rand"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/stretchr/testify/require"

	"github.com/alexaevents/alexaevents/alexatest"
	"github.com/alexaevents/alexaevents/identity"
	"github.com/alexaevents/alexaevents/lwa"
	"github.com/alexaevents/alexaevents/skillevents"
	"github.com/alexaevents/alexaevents/store/dynamostore"
	"github.com/alexaevents/alexaevents/store/storetest"
)

// newDynamo makes empty tables that last as long as the test, and returns a store
// whose client is changed.
func newDynamo(t testing.TB, change ...func(*dynamodb.Options)) *dynamostore.Store {
	client := newDynamoClient(t)
	store := dynamostore.New(client)
	store.Prefix = rand.Text() + "_"
	require.NoError(t, store.CreateTables(t.Context()))
	t.Cleanup(func() {
		for _, table := range []string{"facts", "grants"} {
			_, err := client.DeleteTable(context.Background(), &dynamodb.DeleteTableInput{TableName: aws.String(store.Prefix + table)})
			require.NoError(t, err)
		}
	})
	changed := dynamostore.New(newDynamoClient(t, change...))
	changed.Prefix = store.Prefix
	return changed
}

func TestDynamoConformance(t *testing.T) {
	t.Parallel()
	storetest.Identity(t, func(t *testing.T) identity.Store { return newDynamo(t) })
	storetest.Grants(t, func(t *testing.T) lwa.Store { return newDynamo(t) })
}

func TestDynamoCreateTables(t *testing.T) {
	t.Parallel()
	store := newDynamo(t)
	require.NoError(t, store.AddFact(t.Context(), linked(user, account, monday)))
	require.NoError(t, store.CreateTables(t.Context()))
	require.Len(t, collect(t, store.UserRecords(t.Context(), skill, user)), 1)
}

// The backend of a skill, as a Lambda function.
func TestDynamoLambda(t *testing.T) {
	t.Parallel()
	store := newDynamo(t)
	recorder := &identity.Recorder{Store: store, Account: func(_ context.Context, accessToken string) (string, error) {
		return strings.TrimPrefix(accessToken, "token of "), nil
	}}
	lambda := &skillevents.Lambda{Skills: []string{skill}, Receive: recorder.Record}

	begin := time.Now().Add(-time.Hour).UTC().Truncate(time.Second)
	now := begin
	customer := &alexatest.Customer{SkillID: skill, Now: func() time.Time { return now }}
	var events [][]byte
	for _, event := range []func() []byte{
		customer.Enable,
		func() []byte { return customer.Link("token of " + account) },
		customer.Disable,
	} {
		events = append(events, event())
		now = now.Add(time.Minute)
	}
	for _, event := range alexatest.Deliveries(7, events...) {
		_, err := lambda.Invoke(t.Context(), event)
		require.NoError(t, err)
	}

	records := collect(t, store.AccountRecords(t.Context(), account))
	require.Len(t, records, 1)
	require.Equal(t, begin, records[0].EnabledAt)
	require.Equal(t, begin.Add(time.Minute), records[0].StartDatetime)
	require.Equal(t, begin.Add(2*time.Minute), records[0].EndDatetime)
}
