package integration

import (
	"context"
	"crypto/rand"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/stretchr/testify/require"

	"github.com/alexaevents/alexaevents/identity"
	"github.com/alexaevents/alexaevents/lwa"
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
