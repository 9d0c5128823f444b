package integration

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/alexaevents/alexaevents/lwa"
	"github.com/alexaevents/alexaevents/store/dynamostore"
	"github.com/alexaevents/alexaevents/store/sqlstore"
)

// place says where grants are, to another process as well: in a database, or in
// DynamoDB.
type place struct {
	Database database
	Endpoint string // of DynamoDB; empty is the database
	Prefix   string // of the tables there
}

// onEachPlace runs the test with an empty place of each kind, which the function
// it is given makes.
func onEachPlace(t *testing.T, test func(*testing.T, func(*testing.T) place)) {
	onEach(t, func(t *testing.T, create newDatabase) {
		test(t, func(t *testing.T) place {
			d := create(t)
			d.store(t)
			return place{Database: d}
		})
	})
	t.Run("DynamoDB", func(t *testing.T) {
		t.Parallel()
		test(t, func(t *testing.T) place { return place{Endpoint: dynamoEndpoint(t), Prefix: newDynamo(t).Prefix} })
	})
}

func (p place) open() (store lwa.Store, closing func() error, err error) {
	if p.Endpoint != "" {
		store := dynamostore.New(dynamoClient(p.Endpoint))
		store.Prefix = p.Prefix
		return store, func() error { return nil }, nil
	}
	db, err := p.Database.connect()
	if err != nil {
		return nil, nil, err
	}
	return sqlstore.New(db, p.Database.Dialect), db.Close, nil
}

func (p place) store(t *testing.T) lwa.Store {
	store, closing, err := p.open()
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, closing()) })
	return store
}
