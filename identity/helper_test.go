package identity_test

import (
	"iter"

	"github.com/stretchr/testify/require"

	"github.com/alexaevents/alexaevents/identity"
)

// collect returns the records of an iterator that must not fail.
func collect(t require.TestingT, records iter.Seq2[identity.Record, error]) []identity.Record {
	var all []identity.Record
	for record, err := range records {
		require.NoError(t, err)
		all = append(all, record)
	}
	return all
}
