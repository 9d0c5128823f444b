package integration

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/alexaevents/alexaevents"
	"github.com/alexaevents/alexaevents/lwa"
)

// keeping is a child process that refreshes, replaces and erases the
// grants of two accounts, all at once, and prints each step. Only one of the
// accounts is ever erased.
type keeping struct {
	Grants place
	Amazon string // address that serves the hosts of Amazon
	Rounds int
}

const keptAccount, erasedAccount = "kept", "erased"

func (k keeping) run(ctx context.Context, out io.Writer) error {
	grants, closing, err := k.Grants.open()
	if err != nil {
		return err
	}
	defer func() { _ = closing() }()
	store := &reporter{Store: grants, out: json.NewEncoder(out)}
	source := sourceAt(k.Amazon, store)
	group, ctx := errgroup.WithContext(ctx)
	for _, accountID := range []string{keptAccount, erasedAccount} {
		for range 3 {
			group.Go(func() error {
				for range k.Rounds {
					if err := act(ctx, source, keyOf(accountID)); err != nil {
						return fmt.Errorf("%s: %w", accountID, err)
					}
				}
				return nil
			})
		}
	}
	return group.Wait()
}

// act makes one change of a grant. It ignores the errors that a refresh may return while
// others change the grant.
func act(ctx context.Context, source *lwa.Source, key lwa.Key) error {
	switch action := rand.IntN(20); {
	case action == 0 && key.AccountID == erasedAccount:
		return source.Store.EraseGrants(ctx, key.AccountID)
	case action < 4:
		err := grantAgain(ctx, source, key)
		if errors.Is(err, lwa.ErrNoGrant) && key.AccountID == erasedAccount {
			return nil // it was erased before the grant was stored
		}
		return err
	}
	grant, err := source.Store.Grant(ctx, key)
	if err == nil {
		_, err = source.Renew(ctx, key, grant.AccessToken)
	}
	switch {
	case errors.Is(err, lwa.ErrNoGrant) && key.AccountID == erasedAccount,
		errors.Is(err, lwa.ErrInvalidGrant),
		err != nil && strings.HasSuffix(err.Error(), "the grant changed meanwhile"):
		return nil
	}
	return err
}

// grantAgain simulates a customer who consents again.
func grantAgain(ctx context.Context, source *lwa.Source, key lwa.Key) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://"+consentHost+"/", nil)
	if err != nil {
		return err
	}
	response, err := source.Client.HTTPClient.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	code, err := io.ReadAll(response.Body)
	if err != nil {
		return err
	}
	return source.Exchange(ctx, key, alexaevents.Europe, alexaevents.Secret(code))
}

// step is an UpdateGrant, or an EraseGrants that succeeded.
type step struct {
	AccountID     string
	Began, Ended  time.Time
	Erased        bool
	Failed        bool // it is not known whether anything was written
	Before, After state
}

// state is the state of a grant in a step.
type state struct{ RefreshToken, CodeHash string }

// reporter is a store that reports its steps.
type reporter struct {
	lwa.Store
	mu  sync.Mutex
	out *json.Encoder
}

func (r *reporter) UpdateGrant(ctx context.Context, key lwa.Key, fn func(*lwa.Grant) error) error {
	s := step{AccountID: key.AccountID, Began: time.Now()}
	var refused error
	err := r.Store.UpdateGrant(ctx, key, func(g *lwa.Grant) error {
		s.Before = state{string(g.RefreshToken), g.CodeHash}
		refused = fn(g)
		s.After = state{string(g.RefreshToken), g.CodeHash}
		return refused
	})
	if refused != nil {
		return err
	}
	s.Failed = err != nil
	return errors.Join(err, r.report(s))
}

func (r *reporter) EraseGrants(ctx context.Context, accountID string) error {
	s := step{AccountID: accountID, Began: time.Now(), Erased: true}
	if err := r.Store.EraseGrants(ctx, accountID); err != nil {
		return err
	}
	return r.report(s)
}

func (r *reporter) report(s step) error {
	s.Ended = time.Now()
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.out.Encode(s)
}

// replay orders the steps of one account, and fails if they are not a history of one
// grant. It returns the refresh tokens that nothing replaced, which are the stored one
// and the erased ones, and the number of erasures.
func replay(steps []step, stored string) (ends []string, erasures int, err error) {
	// A failed step was written if another step read its token, and no other step wrote it.
	unexplained := map[string]bool{stored: true}
	for _, s := range steps {
		unexplained[s.Before.RefreshToken] = true
	}
	for _, s := range steps {
		if !s.Failed && s.Before.RefreshToken != s.After.RefreshToken {
			delete(unexplained, s.After.RefreshToken)
		}
	}
	steps = slices.DeleteFunc(slices.Clone(steps), func(s step) bool {
		written := unexplained[s.After.RefreshToken]
		delete(unexplained, s.After.RefreshToken)
		return s.Failed && !written
	})
	next := make(map[string]string)  // the refresh token that replaced another one
	written := make(map[string]bool) // every refresh token that was ever stored
	granted := make(map[string]step) // what a code was first used for, by its hash
	for _, s := range steps {
		before, after := s.Before, s.After
		switch {
		case s.Erased:
			erasures++
			continue
		case before.RefreshToken == after.RefreshToken:
			continue
		case written[after.RefreshToken]:
			return nil, 0, fmt.Errorf("%s came back", after.RefreshToken)
		case before.RefreshToken != "" && next[before.RefreshToken] != "":
			return nil, 0, fmt.Errorf("%s was replaced twice: an update was lost", before.RefreshToken)
		}
		written[after.RefreshToken] = true
		next[before.RefreshToken] = after.RefreshToken
		if after.CodeHash != before.CodeHash {
			if _, used := granted[after.CodeHash]; used {
				return nil, 0, fmt.Errorf("the grant of %s came back", after.RefreshToken)
			}
			granted[after.CodeHash] = s
		}
	}
	for _, erasure := range steps {
		for _, s := range steps {
			grant := granted[s.Before.CodeHash]
			if erasure.Erased && !grant.Failed && s.Before.CodeHash != "" && grant.Ended.Before(erasure.Began) && s.Began.After(erasure.Ended) {
				return nil, 0, fmt.Errorf("%s was erased and came back", s.Before.RefreshToken)
			}
		}
	}
	for token := range written {
		if next[token] == "" {
			ends = append(ends, token)
		}
	}
	return ends, erasures, nil
}
