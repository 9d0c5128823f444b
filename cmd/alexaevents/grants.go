package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/alexaevents/alexaevents"
	"github.com/alexaevents/alexaevents/lwa"
	"github.com/alexaevents/alexaevents/store/transfer"
)

func (a *app) storedGrantsCommand() *cobra.Command {
	var database databaseFlags
	c := &cobra.Command{
		Use: "grants", Short: "List, import and export the grants in your backend's database",
		Long: `List, import and export the grants in the database of a backend with this library, an
SQLite file or a PostgreSQL server:

  --database alexa.db
  --database postgres://app@db.example/alexa

A password belongs in PGPASSWORD, in ~/.pgpass, or in a file with the whole URL: --database
@FILE. Without the flag, ALEXAEVENTS_DATABASE is the database.

The drivers are not part of the program unless it is built with them. In a clone of the
repository:

  go install -tags database ./cmd/alexaevents

If the backend encrypts tokens (lwa.Sealed), "list" and "relink" work, since the rest of a
grant is not encrypted. This program has no key: it neither exports such tokens, nor
imports into such a database. A program of yours does, with the package store/transfer on
the lwa.Sealed.`,
		Example: "  alexaevents grants relink --database alexa.db\n  alexaevents grants list --database postgres://app@db.example/alexa --json",
	}
	c.PersistentFlags().StringVar(&database.source, "database", "", "`FILE` of SQLite, or postgres:// URL")
	c.PersistentFlags().StringVar(&database.prefix, "prefix", "", "`prefix` of the tables, if the backend has one (default alexa_)")
	c.AddCommand(a.listGrantsCommand(&database), a.relinkCommand(&database), a.importCommand(&database), a.exportCommand(&database))
	return c
}

// databaseFlags select a database.
type databaseFlags struct{ source, prefix string }

// grantStore is a store that lists all grants.
type grantStore interface {
	lwa.Store
	Grants(ctx context.Context) iter.Seq2[lwa.Grant, error]
	EndedGrants(ctx context.Context, clientID string) iter.Seq2[lwa.Grant, error]
	Migrate(ctx context.Context) error
}

// open opens the database. If create is true, an SQLite file need not exist.
func (f *databaseFlags) open(create bool) (grantStore, io.Closer, error) {
	source := f.source
	if source == "" {
		source = os.Getenv("ALEXAEVENTS_DATABASE")
	} else if hasPassword(source) {
		return nil, nil, usage("--database: other users of this machine see a command line: use PGPASSWORD, or write the URL to a file and give @FILE")
	}
	if source == "" {
		return nil, nil, usage("no database: give one with --database")
	}
	source, err := secret(source)
	if err != nil {
		return nil, nil, err
	}
	return openDatabase(source, f.prefix, create)
}

func isURL(source string) bool {
	return strings.HasPrefix(source, "postgres://") || strings.HasPrefix(source, "postgresql://")
}

// hasPassword reports whether a URL has a password, or may have one.
func hasPassword(source string) bool {
	if !isURL(source) {
		return false
	}
	u, err := url.Parse(source)
	if err != nil {
		return true
	}
	_, set := u.User.Password()
	return set || u.Query().Has("password")
}

// storeError returns the error of a database with its exit code.
func storeError(ctx context.Context, err error) error {
	var exit *exitError
	switch {
	case err == nil || errors.As(err, &exit):
		return err
	case ctx.Err() != nil:
		return &exitError{code: exitInterrupted, message: "interrupted"}
	}
	return failed(err)
}

// encrypted reports whether the tokens of a grant are encrypted, as lwa.Sealed does it.
func encrypted(ctx context.Context, grant lwa.Grant) bool {
	_, err := (&lwa.Sealed{Store: oneGrant{grant: grant}, AEAD: noKey{}}).Grant(ctx, grant.Key)
	return errors.Is(err, lwa.ErrSealed)
}

// oneGrant is a store with one grant.
type oneGrant struct {
	lwa.Store
	grant lwa.Grant
}

func (s oneGrant) Grant(context.Context, lwa.Key) (lwa.Grant, error) { return s.grant, nil }

// noKey decrypts nothing.
type noKey struct{}

var errNoKey = errors.New("no key")

func (noKey) Encrypt([]byte, []byte) ([]byte, error) { return nil, errNoKey }
func (noKey) Decrypt([]byte, []byte) ([]byte, error) { return nil, errNoKey }

// storedGrant is a grant without its tokens.
type storedGrant struct {
	State       string             `json:"state"` // "live", "refused" or "disabled"
	AccountID   string             `json:"account_id"`
	LinkID      string             `json:"link_id,omitempty"`
	ClientID    string             `json:"client_id"`
	Region      alexaevents.Region `json:"region,omitempty"`
	Encrypted   bool               `json:"encrypted,omitempty"`
	IssuedAt    time.Time          `json:"issued_at,omitzero"`
	ConfirmedAt time.Time          `json:"confirmed_at,omitzero"`
	Since       time.Time          `json:"since,omitzero"` // when a grant that is not live was first seen so
}

func newStoredGrant(ctx context.Context, g lwa.Grant) storedGrant {
	s := storedGrant{
		State: "live", AccountID: g.AccountID, LinkID: g.LinkID, ClientID: g.ClientID, Region: g.Region,
		Encrypted: encrypted(ctx, g), IssuedAt: g.IssuedAt, ConfirmedAt: g.ConfirmedAt,
	}
	switch {
	case !g.Live(), s.Encrypted && g.Refused != "": // the hash of an encrypted token says nothing
		s.State, s.Since = string(lwa.EndRefused), g.RefusedAt
		if !g.DisabledAt.IsZero() && (s.Since.IsZero() || g.DisabledAt.Before(s.Since)) {
			s.Since = g.DisabledAt
		}
	case !g.DisabledAt.IsZero():
		s.State, s.Since = string(lwa.EndDisabled), g.DisabledAt
	}
	return s
}

func (s storedGrant) String() string {
	words := []string{fmt.Sprintf("%-8s", s.State), "account " + s.AccountID}
	for _, part := range []struct{ name, value string }{{"link", s.LinkID}, {"region", string(s.Region)}, {"client", s.ClientID}} {
		if part.value != "" {
			words = append(words, part.name+" "+part.value)
		}
	}
	if !s.Since.IsZero() {
		words = append(words, "since "+s.Since.Format(time.RFC3339))
	}
	if s.Encrypted {
		words = append(words, "encrypted")
	}
	return strings.Join(words, "  ")
}

func (a *app) listGrantsCommand(database *databaseFlags) *cobra.Command {
	var client string
	c := &cobra.Command{
		Use: "list", Short: "List grants, without their tokens", Args: cobra.NoArgs,
		Example: "  alexaevents grants list --database alexa.db --json",
		RunE: func(c *cobra.Command, _ []string) error {
			store, db, err := database.open(false)
			if err != nil {
				return err
			}
			defer db.Close()
			for grant, err := range store.Grants(c.Context()) {
				if err != nil {
					return storeError(c.Context(), err)
				}
				if client != "" && grant.ClientID != client {
					continue
				}
				listed := newStoredGrant(c.Context(), grant)
				if err := a.print(listed, listed.String()); err != nil {
					return err
				}
			}
			return nil
		},
	}
	c.Flags().StringVar(&client, "client", "", "only grants of this LWA client `ID`")
	return c
}

func (a *app) relinkCommand(database *databaseFlags) *cobra.Command {
	var clients []string
	c := &cobra.Command{
		Use: "relink", Short: "List whose customers must link again", Args: cobra.NoArgs,
		Long: `List the grants whose customers must link again: Amazon refused the refresh token, or
the customer disabled the skill.

If tokens are encrypted, it is not visible whether a new refresh token has replaced a
refused one: the grant is listed, and marked as encrypted.`,
		Example: "  alexaevents grants relink --database alexa.db --json",
		RunE: func(c *cobra.Command, _ []string) error {
			store, db, err := database.open(false)
			if err != nil {
				return err
			}
			defer db.Close()
			if len(clients) == 0 {
				if clients, err = grantClients(c.Context(), store); err != nil {
					return err
				}
			}
			n := 0
			for _, client := range clients {
				for ended, err := range endedGrants(c.Context(), store, client) {
					if err != nil {
						return storeError(c.Context(), err)
					}
					n++
					if err := a.print(ended, ended.String()); err != nil {
						return err
					}
				}
			}
			a.note("%d grants must be linked again", n)
			return nil
		},
	}
	c.Flags().StringArrayVar(&clients, "client", nil, "LWA client `ID`; repeat it for several (default all)")
	return c
}

// grantClients returns the clients of all grants.
func grantClients(ctx context.Context, store grantStore) (clients []string, err error) {
	for grant, err := range store.Grants(ctx) {
		if err != nil {
			return nil, storeError(ctx, err)
		}
		if !slices.Contains(clients, grant.ClientID) {
			clients = append(clients, grant.ClientID)
		}
	}
	slices.Sort(clients)
	return clients, nil
}

// endedGrants yields what lwa.Source.EndedGrants yields, and then the grants with
// encrypted tokens, which that takes for live without a key.
func endedGrants(ctx context.Context, store grantStore, client string) iter.Seq2[storedGrant, error] {
	return func(yield func(storedGrant, error) bool) {
		plain := &plainGrants{grantStore: store}
		for ended, err := range (&lwa.Source{Client: &lwa.Client{ID: client}, Store: plain}).EndedGrants(ctx) {
			if !yield(storedGrant{
				State: string(ended.Reason), AccountID: ended.AccountID, LinkID: ended.LinkID, ClientID: ended.ClientID,
				Region: ended.Region, Since: ended.Since,
			}, err) || err != nil {
				return
			}
		}
		for _, grant := range plain.others {
			if !yield(newStoredGrant(ctx, grant), nil) {
				return
			}
		}
	}
}

// plainGrants sets grants with encrypted tokens aside.
type plainGrants struct {
	grantStore
	others []lwa.Grant
}

// EndedGrants is what lwa.Source reads.
func (p *plainGrants) EndedGrants(ctx context.Context, client string) iter.Seq2[lwa.Grant, error] {
	return func(yield func(lwa.Grant, error) bool) {
		for grant, err := range p.grantStore.EndedGrants(ctx, client) {
			if err == nil && encrypted(ctx, grant) {
				p.others = append(p.others, grant)
				continue
			}
			if !yield(grant, err) {
				return
			}
		}
	}
}

// progress writes how many rows are done, every 1,000 rows.
func (a *app) progress(verb string) func(rows int) {
	next := 1000
	return func(rows int) {
		if rows >= next {
			a.note("%s %d rows", verb, rows)
			next = rows - rows%1000 + 1000
		}
	}
}

// tableFormat returns the format of a file, by the flag or by the name.
func tableFormat(flag, name string) (transfer.Format, error) {
	if flag == "" {
		flag = "csv"
		if slices.Contains([]string{".jsonl", ".ndjson", ".json"}, strings.ToLower(filepath.Ext(name))) {
			flag = "jsonl"
		}
	}
	switch flag {
	case "csv":
		return transfer.CSV, nil
	case "jsonl":
		return transfer.JSONLines, nil
	}
	return 0, usage("--format: csv or jsonl, not %q", flag)
}
