package integration

import "fmt"

// replay puts the steps of one account together, which were reported in no
// order, and fails if no history of one grant can have them all. It returns the
// refresh tokens that nothing replaced, that is the stored one and those that
// were erased, and the number of erasures.
func replay(steps []step) (ends []string, erasures int, err error) {
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
			if erasure.Erased && s.Before.CodeHash != "" && grant.Ended.Before(erasure.Began) && s.Began.After(erasure.Ended) {
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
