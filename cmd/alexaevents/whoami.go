package main

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/alexaevents/alexaevents/cmd/alexaevents/internal/account"
	"github.com/alexaevents/alexaevents/lwa"
	"github.com/alexaevents/alexaevents/sdns"
)

// holder is whose an access token is.
type holder struct {
	Profile  string        `json:"profile,omitempty"`
	UserID   string        `json:"user_id"`
	ClientID string        `json:"client_id"`
	Scopes   []string      `json:"scopes,omitempty"` // known of a profile alone
	Seconds  int           `json:"expires_in"`
	Vendors  []sdns.Vendor `json:"vendors"`
}

func (a *app) whoamiCommand() *cobra.Command {
	var flags accountFlags
	c := &cobra.Command{
		Use: "whoami", Short: "Show whose an access token is", Args: cobra.NoArgs,
		Long: `Show whose an access token is: the user, the client, and the vendors (developer accounts)
in which the user has a role. It needs no client secret.`,
		Example: "  alexaevents whoami\n  alexaevents whoami --access-token @dana.token --json",
		RunE: func(c *cobra.Command, _ []string) error {
			source, err := a.source(c, flags)
			if err != nil {
				return err
			}
			info, err := tokenInfo(c.Context(), source)
			if err != nil {
				return apiError(err)
			}
			h := holder{UserID: info.UserID, ClientID: info.ClientID, Seconds: int(info.ExpiresIn.Seconds())}
			if source.Given == "" {
				p, err := source.Store.Profile(source.Profile)
				if err != nil {
					return failed(err)
				}
				h.Profile, h.Scopes = source.Profile, p.Scopes
			}
			if h.Vendors, err = (&sdns.Client{HTTPClient: source.Client("")}).Vendors(c.Context()); err != nil {
				a.note("The vendors cannot be listed: %s", err)
			}
			return a.print(h, h.String())
		},
	}
	flags.add(c)
	return c
}

func (h holder) String() string {
	lines := []string{"user    " + h.UserID, "client  " + h.ClientID, "valid   for " + (time.Duration(h.Seconds) * time.Second).String()}
	if h.Profile != "" {
		lines = append([]string{"profile " + h.Profile}, append(lines, "scopes  "+strings.Join(h.Scopes, " "))...)
	}
	for _, vendor := range h.Vendors {
		lines = append(lines, strings.Join(append([]string{"vendor  " + vendor.ID, vendor.Name}, vendor.Roles...), " "))
	}
	return strings.Join(lines, "\n")
}

// tokenInfo describes the access token for its holder, whatever its client is. An
// invalid one is renewed first.
func tokenInfo(ctx context.Context, source *account.Source) (lwa.TokenInfo, error) {
	token, err := source.Token(ctx, "")
	if err != nil {
		return lwa.TokenInfo{}, err
	}
	client := &lwa.Client{ID: "unknown", HTTPClient: source.HTTPClient}
	info, err := client.TokenInfo(ctx, token)
	if failure, ok := errors.AsType[*lwa.Error](err); ok && failure.Code == "invalid_token" {
		renewed, renewErr := source.Renew(ctx, "", token)
		if renewErr != nil {
			return info, renewErr
		}
		token = renewed
		info, err = client.TokenInfo(ctx, token)
	}
	if errors.Is(err, lwa.ErrAudience) && info.ClientID != "" {
		client.ID = info.ClientID
		info, err = client.TokenInfo(ctx, token)
	}
	return info, err
}
