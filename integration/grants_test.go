package integration

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/alexaevents/alexaevents"
	"github.com/alexaevents/alexaevents/alexatest"
	"github.com/alexaevents/alexaevents/lwa"
	"github.com/alexaevents/alexaevents/store/sqlstore"
)

// A thousand access tokens that expire at once cause a thousand refreshes, and each
// leaves its grant intact.
func TestManyGrants(t *testing.T) {
	onEach(t, func(t *testing.T, create newDatabase) {
		many := often(1000)
		d := create(t)
		db := d.open(t)
		db.SetMaxOpenConns(4)
		store := d.storeOn(t, db)
		cloud := alexatest.NewCloud()
		cloud.RotateRefreshTokens(true)
		client := &lwa.Client{ID: keyOf("").ClientID, Secret: "the client's secret", HTTPClient: cloud.Client()}

		// One transaction is faster than a thousand.
		load, err := db.Begin()
		require.NoError(t, err)
		insert, err := load.Prepare(`
		INSERT INTO alexa_grants (account_id, client_id, link_id, region, access_token, refresh_token, refused, code_hash, revision)
		VALUES ($1, $2, $3, 'EU', '', $4, '', '', 1)`)
		require.NoError(t, err)
		for i := range many {
			token, err := client.Exchange(t.Context(), alexaevents.Secret(cloud.Grant(alexaevents.Europe, "customer")))
			require.NoError(t, err)
			_, err = insert.Exec(account, client.ID, fmt.Sprintf("link-%05d", i), string(token.RefreshToken))
			require.NoError(t, err)
		}
		require.NoError(t, load.Commit())

		source := &lwa.Source{Client: client, Store: store}
		handed := make(map[lwa.Key]*alexaevents.Secret)
		var group errgroup.Group
		group.SetLimit(100)
		for grant, err := range store.AccountGrants(t.Context(), client.ID, account) {
			require.NoError(t, err)
			token := new(alexaevents.Secret)
			handed[grant.Key] = token
			group.Go(func() (err error) {
				*token, err = source.GrantToken(t.Context(), grant)
				return err
			})
		}
		require.NoError(t, group.Wait())
		require.NoError(t, source.Flush(t.Context())) // a busy database may have refused a token at first
		require.Len(t, handed, many)
		require.Equal(t, many+many, cloud.Calls("https://api.amazon.com/auth/o2/token"))
		for grant, err := range store.AccountGrants(t.Context(), client.ID, account) {
			require.NoError(t, err)
			require.Equal(t, *handed[grant.Key], grant.AccessToken)
			_, err = client.Refresh(t.Context(), grant.RefreshToken) // only the newest works
			require.NoError(t, err)
		}
	})
}

// Processes refresh the same grants concurrently, and each refresh ends the refresh
// token that it used: no replaced or erased token is stored again, and none is lost.
func TestGrantRace(t *testing.T) {
	onEachPlace(t, func(t *testing.T, create func(*testing.T) place) {
		p := create(t)
		cloud := alexatest.NewCloud()
		cloud.RotateRefreshTokens(true)
		address := serveAmazon(t, cloud)
		source := sourceAt(address, p.store(t))
		require.NoError(t, grantAgain(t.Context(), source, keyOf(keptAccount)))
		first, err := source.Store.Grant(t.Context(), keyOf(keptAccount))
		require.NoError(t, err)

		steps := map[string][]step{keptAccount: {{After: state{string(first.RefreshToken), first.CodeHash}}}}
		outputs, _ := childProcess{Keeping: &keeping{p, address, often(120)}}.atOnce(t, 2)
		for _, output := range outputs {
			for decoder := json.NewDecoder(bytes.NewReader(output)); ; {
				var s step
				err := decoder.Decode(&s)
				if errors.Is(err, io.EOF) {
					break
				}
				require.NoError(t, err)
				steps[s.AccountID] = append(steps[s.AccountID], s)
			}
		}
		for _, accountID := range []string{keptAccount, erasedAccount} {
			last, missing := source.Store.Grant(t.Context(), keyOf(accountID))
			ends, erasures, err := replay(steps[accountID], string(last.RefreshToken))
			require.NoError(t, err)
			if errors.Is(missing, lwa.ErrNoGrant) {
				require.NotZero(t, erasures)
				require.LessOrEqual(t, len(ends), erasures, "updates were lost")
				continue
			}
			require.NoError(t, missing)
			require.Contains(t, ends, string(last.RefreshToken))
			require.LessOrEqual(t, len(ends), 1+erasures, "updates were lost")
			require.Greater(t, len(steps[accountID]), often(50))
			// The grant goes on.
			_, err = source.Renew(t.Context(), keyOf(accountID), last.AccessToken)
			require.NoError(t, err)
		}
	})
}

// If another process changes a grant while fn runs, fn runs again on the changed grant,
// and nothing else is written.
func TestGrantChangedMeanwhile(t *testing.T) {
	onEachPlace(t, func(t *testing.T, create func(*testing.T) place) {
		key := keyOf("account")
		set := func(token alexaevents.Secret) func(*testing.T, lwa.Store) {
			return func(t *testing.T, other lwa.Store) {
				require.NoError(t, other.UpdateGrant(t.Context(), key, func(g *lwa.Grant) error {
					g.RefreshToken = token
					return nil
				}))
			}
		}
		erase := func(t *testing.T, other lwa.Store) {
			require.NoError(t, other.EraseGrants(t.Context(), key.AccountID))
		}
		for name, test := range map[string]struct {
			before, meanwhile []func(*testing.T, lwa.Store)
			runs              []alexaevents.Secret // the refresh token that each run of fn is given
			outcome           alexaevents.Secret   // the refresh token that each run of fn leaves
		}{
			"nothing":                  {before: list(set("1")), runs: tokens("1"), outcome: "3"},
			"nothing, and no grant":    {runs: tokens(""), outcome: "3"},
			"made":                     {meanwhile: list(set("2")), runs: tokens("", "2"), outcome: "3"},
			"made and erased":          {meanwhile: list(set("2"), erase), runs: tokens(""), outcome: "3"},
			"replaced":                 {before: list(set("1")), meanwhile: list(set("2")), runs: tokens("1", "2"), outcome: "3"},
			"replaced, not to stay":    {before: list(set("1")), meanwhile: list(set("2")), runs: tokens("1", "2")},
			"replaced by the same":     {before: list(set("1")), meanwhile: list(set("1")), runs: tokens("1", "1"), outcome: "3"},
			"erased":                   {before: list(set("1")), meanwhile: list(erase), runs: tokens("1", ""), outcome: "3"},
			"deleted":                  {before: list(set("1")), meanwhile: list(set("")), runs: tokens("1", ""), outcome: "3"},
			"erased and made again":    {before: list(set("1")), meanwhile: list(erase, set("2")), runs: tokens("1", "2"), outcome: "3"},
			"erased and made the same": {before: list(set("1")), meanwhile: list(erase, set("1")), runs: tokens("1", "1"), outcome: "3"},
		} {
			t.Run(name, func(t *testing.T) {
				p := create(t)
				store, other := p.store(t), p.store(t)
				for _, step := range test.before {
					step(t, other)
				}
				var runs []alexaevents.Secret
				require.NoError(t, store.UpdateGrant(t.Context(), key, func(g *lwa.Grant) error {
					if runs = append(runs, g.RefreshToken); len(runs) == 1 {
						for _, step := range test.meanwhile {
							step(t, other)
						}
					}
					g.RefreshToken = test.outcome
					return nil
				}))
				require.Equal(t, test.runs, runs)
				got, err := other.Grant(t.Context(), key)
				if test.outcome == "" {
					require.ErrorIs(t, err, lwa.ErrNoGrant)
					return
				}
				require.NoError(t, err)
				require.Equal(t, lwa.Grant{Key: key, RefreshToken: test.outcome}, got)
			})
		}
	})
}

func list[T any](all ...T) []T { return all }

func tokens(all ...alexaevents.Secret) []alexaevents.Secret { return all }

// Updates of one grant by many callers at once wait for each other a little, so
// that fn does not run many times for each.
func TestContendedGrant(t *testing.T) {
	const callers, each, most = 40, 5, 10
	onEachPlace(t, func(t *testing.T, create func(*testing.T) place) {
		store := create(t).store(t)
		var runs atomic.Int64
		var group errgroup.Group
		for range callers {
			group.Go(func() error {
				for range each {
					if err := store.UpdateGrant(t.Context(), keyOf(account), func(g *lwa.Grant) error {
						runs.Add(1)
						return countUpdate(g)
					}); err != nil {
						return err
					}
				}
				return nil
			})
		}
		require.NoError(t, group.Wait())
		grant, err := store.Grant(t.Context(), keyOf(account))
		require.NoError(t, err)
		require.Equal(t, alexaevents.Secret(strconv.Itoa(callers*each)), grant.RefreshToken)
		t.Logf("fn ran %d times for %d updates", runs.Load(), callers*each)
		require.Less(t, runs.Load(), int64(callers*each*most))
	})
}

// crashing is a child process that stops while it stores the tokens of Amazon's
// response, prints a line, and waits to be killed.
type crashing struct {
	Database database
	Amazon   string // address that serves the hosts of Amazon
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

// stopping is a store whose write does not return.
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

// A process that is killed between Amazon's response and the store leaves the grant
// unchanged. The grant works, unless the response ended its refresh token: then Amazon
// refuses it, it stays, and the customer's next consent replaces its tokens.
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

					p, err := startProcess(childProcess{Crashing: &crashing{d, address, test.accept, moment}}.command(t))
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
