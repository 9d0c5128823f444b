package storetest

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"strings"

	"github.com/alexaevents/alexaevents"
	"github.com/alexaevents/alexaevents/lwa"
)

func grantKeyFaults() []grantFault {
	faults := []grantFault{
		{name: "folds the case of links", inject: mapLink(strings.ToLower), check: "text of a grant byte for byte", words: "-want +got"},
		{name: "trims links", inject: mapLink(strings.TrimSpace), check: "text of a grant byte for byte", words: "-want +got"},
		{name: "folds accents in links", inject: mapLink(func(s string) string { return strings.ReplaceAll(s, "e\u0301", "\u00e9") }), check: "text of a grant byte for byte", words: "-want +got"},
		{
			name: "folds the case of accounts",
			inject: func(f *faultyGrants) {
				f.key = func(key lwa.Key) lwa.Key { key.AccountID = strings.ToLower(key.AccountID); return key }
			},
			check: "text of a grant byte for byte",
			words: "-want +got",
		},
		{
			name: "trims tokens",
			inject: func(f *faultyGrants) {
				f.in = func(g lwa.Grant) lwa.Grant {
					g.AccessToken = alexaevents.Secret(strings.TrimSpace(string(g.AccessToken)))
					return g
				}
			},
			check: "text of a grant byte for byte",
			words: "AccessToken",
		},
		{
			name: "matches accounts by pattern",
			inject: func(f *faultyGrants) {
				f.eraseGrants = func(ctx context.Context, accountID string) error {
					if accountID == "per%" {
						if err := f.MemoryStore.EraseGrants(ctx, "per%cent"); err != nil {
							return err
						}
					}
					return f.MemoryStore.EraseGrants(ctx, accountID)
				}
			},
			check: "text of a grant byte for byte",
			words: "gave an error: lwa: no live grant",
		},
		{name: "cuts links to 254 bytes", inject: mapLink(func(s string) string { return s[:min(len(s), 254)] }), check: "long text of a grant", words: "-want +got"},
		{
			name: "cuts tokens to 2048 bytes",
			inject: func(f *faultyGrants) {
				f.in = func(g lwa.Grant) lwa.Grant {
					g.RefreshToken = g.RefreshToken[:min(len(g.RefreshToken), 2048)]
					return g
				}
			},
			check: "long text of a grant",
			words: "RefreshToken",
		},
		{
			name: "confuses client and account",
			inject: func(f *faultyGrants) {
				f.key = joined(func(key lwa.Key) string {
					parts := []string{key.ClientID, key.AccountID}
					slices.Sort(parts)
					return strings.Join(append(parts, key.LinkID), "\x00")
				})
			},
			check: "the parts of a key",
			words: "-want +got",
		},
		{
			name:   "takes no link for any link",
			inject: mapLink(func(s string) string { return cmp.Or(s, "link") }),
			check:  "clients and accounts apart",
			words:  "-want +got",
		},
		{
			name: "has one client only",
			inject: func(f *faultyGrants) {
				f.key = func(key lwa.Key) lwa.Key { key.ClientID = lwaClient; return key }
			},
			check: "clients and accounts apart",
			words: "-want +got",
		},
		{
			name: "lists the grants of every client",
			inject: func(f *faultyGrants) {
				f.accountGrants = func(ctx context.Context, _, accountID string) grantSeq { return f.everything(ctx, accountID) }
			},
			check: "clients and accounts apart",
			words: "must give 3 grants and gave 6",
		},
		{
			name: "lists the grants of every account",
			inject: func(f *faultyGrants) {
				f.accountGrants = func(ctx context.Context, clientID, _ string) grantSeq {
					return func(yield func(lwa.Grant, error) bool) {
						for grant, err := range f.everything(ctx, "account", "other") {
							if grant.ClientID == clientID && !yield(grant, err) {
								return
							}
						}
					}
				}
			},
			check: "clients and accounts apart",
			words: "must give 3 grants and gave 6",
		},
		{
			name: "takes no client for every client",
			inject: func(f *faultyGrants) {
				f.accountGrants = func(ctx context.Context, clientID, accountID string) grantSeq {
					if clientID == "" {
						return f.everything(ctx, accountID)
					}
					return f.list(ctx, clientID, accountID)
				}
			},
			check: "clients and accounts apart",
			words: "must give 0 grants and gave 5",
		},
		{
			name: "lists links in the order of a dictionary",
			inject: func(f *faultyGrants) {
				reorder(f, func(a, b lwa.Grant) int { return strings.Compare(fold(a), fold(b)) })
			},
			check: "the order of links",
			words: "-want +got",
		},
		{
			name: "lists links backwards",
			inject: func(f *faultyGrants) {
				reorder(f, func(a, b lwa.Grant) int { return strings.Compare(b.LinkID, a.LinkID) })
			},
			check: "the order of links",
			words: "-want +got",
		},
		{
			name: "lists links in the order of numbers",
			inject: func(f *faultyGrants) {
				reorder(f, func(a, b lwa.Grant) int {
					n, nErr := strconv.Atoi(a.LinkID)
					m, mErr := strconv.Atoi(b.LinkID)
					if nErr == nil && mErr == nil {
						return cmp.Compare(n, m)
					}
					return strings.Compare(a.LinkID, b.LinkID)
				})
			},
			check: "the order of links",
			words: "-want +got",
		},
		{
			name:   "lists links in the order of arrival",
			inject: func(f *faultyGrants) { reorder(f, func(a, b lwa.Grant) int { return a.IssuedAt.Compare(b.IssuedAt) }) },
			check:  "the order of links",
			words:  "-want +got",
		},
		{
			name: "erases one client's grants only",
			inject: func(f *faultyGrants) {
				f.eraseGrants = func(ctx context.Context, accountID string) error {
					return f.eraseIf(ctx, func(g lwa.Grant) bool { return g.AccountID == accountID && g.ClientID == lwaClient })
				}
			},
			check: "erasing the grants of an account",
			words: "must give ErrNoGrant",
		},
		{
			name: "erases grants with a link only",
			inject: func(f *faultyGrants) {
				f.eraseGrants = func(ctx context.Context, accountID string) error {
					return f.eraseIf(ctx, func(g lwa.Grant) bool { return g.AccountID == accountID && g.LinkID != "" })
				}
			},
			check: "erasing the grants of an account",
			words: "must give ErrNoGrant",
		},
		{
			name: "erases accounts of that beginning",
			inject: func(f *faultyGrants) {
				f.eraseGrants = func(ctx context.Context, accountID string) error {
					return f.eraseIf(ctx, func(g lwa.Grant) bool { return accountID != "" && strings.HasPrefix(g.AccountID, accountID) })
				}
			},
			check: "erasing the grants of an account",
			words: "no grant",
		},
		{
			name: "erases accounts of any case",
			inject: func(f *faultyGrants) {
				f.eraseGrants = func(ctx context.Context, accountID string) error {
					return f.eraseIf(ctx, func(g lwa.Grant) bool { return strings.EqualFold(g.AccountID, accountID) })
				}
			},
			check: "erasing the grants of an account",
			words: "no grant",
		},
		{
			name: "erases links of that name too",
			inject: func(f *faultyGrants) {
				f.eraseGrants = func(ctx context.Context, accountID string) error {
					return f.eraseIf(ctx, func(g lwa.Grant) bool { return g.AccountID == accountID || g.LinkID == accountID })
				}
			},
			check: "erasing the grants of an account",
			words: "no grant",
		},
		{
			name: "takes no account for every account",
			inject: func(f *faultyGrants) {
				f.eraseGrants = func(ctx context.Context, accountID string) error {
					return f.eraseIf(ctx, func(g lwa.Grant) bool { return accountID == "" || g.AccountID == accountID })
				}
			},
			check: "erasing the grants of an account",
			words: "no grant",
		},
		{
			name: "erases for ever",
			inject: func(f *faultyGrants) {
				erased := make(map[string]bool)
				f.eraseGrants = func(ctx context.Context, accountID string) error {
					erased[accountID] = true
					return f.MemoryStore.EraseGrants(ctx, accountID)
				}
				f.in = func(g lwa.Grant) lwa.Grant {
					if erased[g.AccountID] {
						g.RefreshToken = ""
					}
					return g
				}
			},
			check: "erasing the grants of an account",
			words: "no grant",
		},
	}
	for _, join := range []string{"", "#", "/", "|", ":", "-", "_", "\x1f", "::"} {
		faults = append(faults, grantFault{
			name: "joins the parts of keys by " + strconv.Quote(join),
			inject: func(f *faultyGrants) {
				f.key = joined(func(key lwa.Key) string { return key.ClientID + join + key.AccountID + join + key.LinkID })
			},
			check: "the parts of a key",
			words: "-want +got",
		})
	}
	return faults
}

func fold(g lwa.Grant) string { return strings.ToLower(g.LinkID) }

func mapLink(change func(string) string) func(*faultyGrants) {
	return func(f *faultyGrants) {
		f.key = func(key lwa.Key) lwa.Key { key.LinkID = change(key.LinkID); return key }
	}
}

// joined gives all keys of the same row the one that came first.
func joined(row func(lwa.Key) string) func(lwa.Key) lwa.Key {
	first := make(map[string]lwa.Key)
	return func(key lwa.Key) lwa.Key {
		if known, ok := first[row(key)]; ok {
			return known
		}
		first[row(key)] = key
		return key
	}
}

// eraseIf deletes the grants that erased picks, of the accounts of
// checkEraseGrants.
func (f *faultyGrants) eraseIf(ctx context.Context, erased func(lwa.Grant) bool) error {
	all := f.everything(ctx, "account", "account-2", "accoun", "Account", "account ", "acc_unt", "%", "*", "link")
	for grant, err := range all {
		if err == nil && erased(grant) {
			err = f.update(ctx, grant.Key, func(g *lwa.Grant) error { g.RefreshToken = ""; return nil })
		}
		if err != nil {
			return err
		}
	}
	return ctx.Err()
}
