package integration

import (
	"context"
	"fmt"
	"io"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/alexaevents/alexaevents"
	"github.com/alexaevents/alexaevents/alexatest"
	"github.com/alexaevents/alexaevents/lwa"
	"github.com/alexaevents/alexaevents/store/sqlstore"
)

// crashing is the errand of a process that comes to a stop while it stores what
// Amazon gave, prints that it has, and waits to be killed.
type crashing struct {
	Database database
	Amazon   string // the address that answers for Amazon
	Accept   bool   // it accepts a new grant; else it refreshes the one there is
	Moment   string // one of the constants below
}

const (
	beforeUpdate = "before the store is called"
	duringUpdate = "after the store has read"
	afterUpdate  = "after the store has written"
)

func (c crashing) run(ctx context.Context, out io.Writer) error {
	db, err := c.Database.connect()
	if err != nil {
		return err
	}
	defer db.Close()
	source := sourceAt(c.Amazon, &stopping{sqlstore.New(db, c.Database.Dialect), c.Moment, out})
	if c.Accept {
		return grantAgain(ctx, source, keyOf(account))
	}
	grant, err := source.Store.Grant(ctx, keyOf(account))
	if err != nil {
		return err
	}
	_, err = source.Renew(ctx, keyOf(account), grant.AccessToken)
	return err
}

// stopping is a store that comes to a stop.
type stopping struct {
	lwa.Store
	moment string
	out    io.Writer
}

func (s *stopping) stopAt(moment string) {
	if moment == s.moment {
		_, _ = fmt.Fprintln(s.out, moment)
		untilInputEnds()
	}
}

func (s *stopping) UpdateGrant(ctx context.Context, key lwa.Key, fn func(*lwa.Grant) error) error {
	s.stopAt(beforeUpdate)
	err := s.Store.UpdateGrant(ctx, key, func(g *lwa.Grant) error {
		err := fn(g)
		s.stopAt(duringUpdate)
		return err
	})
	s.stopAt(afterUpdate)
	return err
}

// A process that dies between Amazon's answer and the store leaves the grant as
// it was. That one works, unless the answer ended its refresh token: then it is
// refused, stays, and the customer's next consent heals it.
func TestGrantCrash(t *testing.T) {
	onEach(t, func(t *testing.T, create newDatabase) {
		for _, moment := range []string{beforeUpdate, duringUpdate, afterUpdate} {
			for name, test := range map[string]struct{ accept, rotate bool }{
				"refreshing":           {},
				"refreshing, rotating": {rotate: true},
				"accepting":            {accept: true},
			} {
				t.Run(name+", "+moment, func(t *testing.T) {
					d := create(t)
					cloud := alexatest.NewCloud()
					cloud.RotateRefreshTokens(test.rotate)
					address := serveAmazon(t, cloud)
					key := keyOf(account)
					source := sourceAt(address, d.store(t))
					require.NoError(t, grantAgain(t.Context(), source, key))
					before, err := source.Store.Grant(t.Context(), key)
					require.NoError(t, err)

					p, err := startProcess(errand{Crashing: &crashing{d, address, test.accept, moment}}.command(t))
					require.NoError(t, err)
					line, err := p.line()
					require.NoError(t, err)
					require.Equal(t, moment, line)
					_, err = p.kill()
					require.NoError(t, err)
					require.Equal(t, 2, cloud.Calls("https://api.amazon.com/auth/o2/token"))

					found, err := source.Store.Grant(t.Context(), key)
					require.NoError(t, err)
					if moment == afterUpdate {
						require.NotEqual(t, before.AccessToken, found.AccessToken)
					} else {
						require.Equal(t, before, found)
					}
					lost := test.rotate && moment != afterUpdate
					requireRenewal(t, source, key, found.AccessToken, lost)
					if lost {
						found, err = source.Store.Grant(t.Context(), key)
						require.NoError(t, err)
						require.Equal(t, before.RefreshToken, found.RefreshToken)
						require.False(t, found.Live())
					}
					require.NoError(t, grantAgain(t.Context(), source, key))
					found, err = source.Store.Grant(t.Context(), key)
					require.NoError(t, err)
					again := sourceAt(address, source.Store) // a process renews a grant once a minute
					requireRenewal(t, again, key, found.AccessToken, false)
				})
			}
		}
	})
}

// requireRenewal requires that the grant gives another access token, or is
// refused.
func requireRenewal(t *testing.T, source *lwa.Source, key lwa.Key, stale alexaevents.Secret, refused bool) {
	t.Helper()
	token, err := source.Renew(t.Context(), key, stale)
	if refused {
		require.ErrorIs(t, err, lwa.ErrInvalidGrant)
		return
	}
	require.NoError(t, err)
	require.NotEqual(t, stale, token)
}
