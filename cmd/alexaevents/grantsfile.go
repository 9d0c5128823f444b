package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"

	"github.com/spf13/cobra"

	"github.com/alexaevents/alexaevents"
	"github.com/alexaevents/alexaevents/lwa"
	"github.com/alexaevents/alexaevents/store/transfer"
)

var errEncrypted = &exitError{
	exitFailed, "the tokens are encrypted, and this program has no key",
	"import or export with a program of yours: the package store/transfer, on the lwa.Sealed of your backend",
}

func (a *app) importCommand(database *databaseFlags) *cobra.Command {
	var table transfer.Import
	var format, region string
	var migrate bool
	c := &cobra.Command{
		Use: "import FILE", Short: "Import a table of grants", Args: cobra.ExactArgs(1),
		Long: `Import a table of grants, in CSV with a header or as JSON lines. "-" is standard input.
The columns are

  ClientID AccountID LinkID Region AccessToken RefreshToken IssuedAt Expiry ConfirmedAt
  RefusedAt DisabledAt ProbedAt Refused CodeHash

AccountID and RefreshToken are required, and LinkID and Region for a customer's grant.
https://pkg.go.dev/github.com/alexaevents/alexaevents/store/transfer describes them.

A row replaces a stored grant only if its access token was issued later, or if Amazon
refused the stored one. It is safe to import a table again. Each row that was not stored
is listed with the reason, unless the same token is stored already. After an error, the
rows before it remain stored: --check first.

Tokens are stored in plain text.`,
		Example: `  alexaevents grants import grants.csv --database alexa.db --check
  alexaevents grants import grants.csv --database alexa.db --client amzn1.application-oa2-client.1234 --region NA`,
		RunE: func(c *cobra.Command, args []string) (err error) {
			if table.Format, err = tableFormat(format, args[0]); err != nil {
				return err
			}
			table.Region = alexaevents.Region(region)
			in := c.InOrStdin()
			if args[0] != "-" {
				file, err := os.Open(args[0])
				if err != nil {
					return failed(err)
				}
				defer file.Close()
				in = file
			}
			if table.Check {
				// The store is not used.
				if err := table.Grants(c.Context(), new(lwa.MemoryStore), in); err != nil {
					return storeError(c.Context(), err)
				}
				a.note("the table is valid")
				return nil
			}
			store, db, err := database.open(migrate)
			if err != nil {
				return err
			}
			defer db.Close()
			if migrate {
				if err := store.Migrate(c.Context()); err != nil {
					return storeError(c.Context(), err)
				}
			}
			return a.importGrants(c.Context(), &table, store, in)
		},
	}
	f := c.Flags()
	f.StringVar(&format, "format", "", "`format` of the file: csv or jsonl (default by its name, csv)")
	f.StringVar(&table.ClientID, "client", "", "LWA client `ID` of rows without one")
	f.StringVar(&region, "region", "", "`region` of rows without one: NA, EU or FE")
	f.BoolVar(&table.Newer, "newer", false, "the old backend has stopped: a row without IssuedAt is newer than an earlier import")
	f.BoolVar(&table.Check, "check", false, "check the table, and store nothing; needs no database")
	f.BoolVar(&migrate, "migrate", false, "create the database file and the tables if they are missing")
	return c
}

func (a *app) importGrants(ctx context.Context, table *transfer.Import, store grantStore, in io.Reader) error {
	for grant, err := range store.Grants(ctx) {
		if err == nil && encrypted(ctx, grant) {
			err = errEncrypted
		}
		if err != nil {
			return storeError(ctx, err)
		}
	}
	var summary struct {
		Rows   int `json:"rows"`
		Stored int `json:"stored"`
		Kept   int `json:"kept"`
	}
	var failure error // of the output
	table.Progress = a.progress("imported")
	table.Observe = func(_ context.Context, o transfer.GrantObservation) {
		summary.Rows++
		if o.Kept == "" {
			summary.Stored++
			return
		}
		summary.Kept++
		if o.Kept != transfer.KeptSame {
			line := struct {
				Row  int           `json:"row"`
				Kept transfer.Kept `json:"kept"`
			}{o.Row, o.Kept}
			failure = errors.Join(failure, a.print(line, fmt.Sprintf("row %d: the stored grant stays: %s", o.Row, keptReasons[o.Kept])))
		}
	}
	if err := table.Grants(ctx, plainStore{store}, in); err != nil {
		return storeError(ctx, err)
	}
	text := fmt.Sprintf("%d rows: %d stored, %d as before", summary.Rows, summary.Stored, summary.Kept)
	return errors.Join(failure, a.print(summary, text))
}

var keptReasons = map[transfer.Kept]string{
	transfer.KeptNewer:   "its access token was issued later, or at the same time",
	transfer.KeptUnknown: "one of the two has no IssuedAt, so it is not known which is newer",
	transfer.KeptLive:    "Amazon has refused the refresh token of the row",
}

// plainStore refuses grants with encrypted tokens.
type plainStore struct{ grantStore }

// UpdateGrant is what transfer calls.
func (s plainStore) UpdateGrant(ctx context.Context, key lwa.Key, fn func(*lwa.Grant) error) error {
	return s.grantStore.UpdateGrant(ctx, key, func(grant *lwa.Grant) error {
		if encrypted(ctx, *grant) {
			return errEncrypted
		}
		if err := fn(grant); err != nil {
			return err
		}
		if encrypted(ctx, *grant) {
			return errEncrypted
		}
		return nil
	})
}

func (a *app) exportCommand(database *databaseFlags) *cobra.Command {
	var format, to string
	var tokens bool
	c := &cobra.Command{
		Use: "export", Short: "Export the table of grants", Args: cobra.NoArgs,
		Long: `Export the table of grants, in CSV or as JSON lines, to standard output or a new file
that only its owner can read. The columns of tokens are empty unless --tokens asks for
them; without tokens, the table cannot be imported.

Whoever reads a file with tokens can act for the customers. Delete it after its use.`,
		Example: `  alexaevents grants export --database alexa.db
  alexaevents grants export --database alexa.db --to grants.csv --tokens`,
		RunE: func(c *cobra.Command, _ []string) (err error) {
			if tokens && to == "" {
				return usage("--tokens: tokens go only to a file: give one with --to")
			}
			table := transfer.Export{Progress: a.progress("exported")}
			if table.Format, err = tableFormat(format, to); err != nil {
				return err
			}
			store, db, err := database.open(false)
			if err != nil {
				return err
			}
			defer db.Close()
			out := a.out
			if to != "" {
				file, openErr := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
				if openErr != nil {
					return failed(openErr)
				}
				defer func() {
					if err = errors.Join(err, file.Close()); err != nil {
						err = errors.Join(err, os.Remove(to)) // part of a table is none
					}
				}()
				out = file
			}
			return storeError(c.Context(), table.Grants(out, exportedGrants(c.Context(), store, tokens)))
		},
	}
	f := c.Flags()
	f.StringVar(&to, "to", "", "new `file` for the table (default standard output)")
	f.StringVar(&format, "format", "", "`format` of the table: csv or jsonl (default by the name of the file, csv)")
	f.BoolVar(&tokens, "tokens", false, "export access and refresh tokens, in plain text; needs --to")
	return c
}

// exportedGrants yields all grants, with or without their tokens.
func exportedGrants(ctx context.Context, store grantStore, tokens bool) iter.Seq2[lwa.Grant, error] {
	return func(yield func(lwa.Grant, error) bool) {
		for grant, err := range store.Grants(ctx) {
			switch {
			case !tokens:
				grant.AccessToken, grant.RefreshToken = "", ""
			case err == nil && encrypted(ctx, grant):
				err = errEncrypted
			}
			if !yield(grant, err) {
				return
			}
		}
	}
}
