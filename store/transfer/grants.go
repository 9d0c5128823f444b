package transfer

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"io"
	"iter"
	"time"

	"github.com/alexaevents/alexaevents"
	"github.com/alexaevents/alexaevents/lwa"
)

var grantTable = table{columns: []string{
	"ClientID", "AccountID", "LinkID", "Region", "AccessToken", "RefreshToken", "IssuedAt", "Expiry", "ConfirmedAt",
	"RefusedAt", "DisabledAt", "ProbedAt", "Refused", "CodeHash",
}}

// Grants imports a table of grants into the store. The package documentation says when a
// row replaces a stored grant.
//
// The error wraps [ErrInvalidFile] or the error of the store, r or ctx. The rows before it
// are stored.
func (i *Import) Grants(ctx context.Context, store lwa.Store, r io.Reader) error {
	rows := 0
	seed, met := maphash.MakeSeed(), make(map[uint64]struct{}) // of keys
	for row, err := range i.Format.rows(r, grantTable) {
		var grant lwa.Grant
		if err == nil {
			err = ctx.Err()
		}
		if err == nil {
			grant, err = i.grant(row)
		}
		if err == nil {
			hash := maphash.Comparable(seed, grant.Key)
			if _, again := met[hash]; again {
				err = row.invalid("another row has the same ClientID, AccountID and LinkID")
			}
			met[hash] = struct{}{}
		}
		if err != nil {
			return err
		}
		if rows++; rows <= i.Skip || i.Check {
			continue
		}
		if err := i.putGrant(ctx, store, grant, rows); err != nil {
			return fmt.Errorf("transfer: import grants: %w", err)
		}
	}
	return i.skipped(rows)
}

// grant returns the grant of a row.
func (i *Import) grant(r row) (lwa.Grant, error) {
	grant := lwa.Grant{
		Key: lwa.Key{
			ClientID:  cmp.Or(r.cells["ClientID"], i.ClientID),
			AccountID: r.cells["AccountID"],
			LinkID:    r.cells["LinkID"],
		},
		Region:       cmp.Or(alexaevents.Region(r.cells["Region"]), i.Region),
		AccessToken:  alexaevents.Secret(r.cells["AccessToken"]),
		RefreshToken: alexaevents.Secret(r.cells["RefreshToken"]),
		Refused:      r.cells["Refused"],
		CodeHash:     r.cells["CodeHash"],
	}
	for column, at := range map[string]*time.Time{
		"IssuedAt": &grant.IssuedAt, "Expiry": &grant.Expiry, "ConfirmedAt": &grant.ConfirmedAt,
		"RefusedAt": &grant.RefusedAt, "DisabledAt": &grant.DisabledAt, "ProbedAt": &grant.ProbedAt,
	} {
		var err error
		if *at, err = r.time(column); err != nil {
			return lwa.Grant{}, err
		}
	}
	switch {
	case grant.RefreshToken == "":
		return lwa.Grant{}, r.invalid("RefreshToken is empty")
	case grant.LinkID == "" && grant.Region != "":
		return lwa.Grant{}, r.invalid("there is a Region, but no LinkID, without which no events can be sent")
	case grant.LinkID != "" && grant.Region == "":
		return lwa.Grant{}, r.invalid("there is a LinkID, but no Region, without which no events can be sent")
	case grant.Region != "" && grant.Region.APIEndpoint() == "":
		return lwa.Grant{}, r.invalid("Region must be %s, %s or %s", alexaevents.NorthAmerica, alexaevents.Europe, alexaevents.FarEast)
	}
	if _, err := grant.Clean(); err != nil {
		return lwa.Grant{}, r.invalid("%w", err)
	}
	return grant, nil
}

// Grants is [Import.Copy] of an Import without options:
//
//	err := transfer.Grants(ctx, newStore, oldStore.Grants(ctx))
func Grants(ctx context.Context, to lwa.Store, from iter.Seq2[lwa.Grant, error]) error {
	return new(Import).Copy(ctx, to, from)
}

// Copy copies grants to a store, for example all grants of another store. The package
// documentation says when a grant replaces a stored one. Of the fields of Import it uses
// Newer, Progress and Observe. It is safe to repeat.
func (i *Import) Copy(ctx context.Context, to lwa.Store, from iter.Seq2[lwa.Grant, error]) error {
	rows := 0
	for grant, err := range from {
		if err == nil {
			rows++
			err = i.putGrant(ctx, to, grant, rows)
		}
		if err != nil {
			return fmt.Errorf("transfer: copy grants: %w", err)
		}
	}
	return nil
}

// kept returns the reason to keep the stored grant, empty if the grant replaces it. A live
// grant replaces an ended one with another refresh token, and a live one with an older
// access token.
func (i *Import) kept(grant, stored lwa.Grant) Kept {
	switch {
	case stored.RefreshToken == "": // there is none
		return ""
	case !grant.Live():
		return KeptLive
	case !stored.Live() && grant.RefreshToken != stored.RefreshToken:
		return ""
	case !stored.IssuedAt.IsZero() && grant.IssuedAt.After(stored.IssuedAt) && stored.Live():
		return ""
	case grant.RefreshToken == stored.RefreshToken:
		return KeptSame
	case stored.IssuedAt.IsZero() && i.Newer:
		return ""
	case stored.IssuedAt.IsZero() || grant.IssuedAt.IsZero():
		return KeptUnknown
	}
	return KeptNewer
}

// errKept ends an update without a change.
var errKept = errors.New("the stored grant stays")

// putGrant stores the grant of a row, unless the stored one is kept.
func (i *Import) putGrant(ctx context.Context, store lwa.Store, grant lwa.Grant, row int) error {
	var kept Kept
	err := store.UpdateGrant(ctx, grant.Key, func(stored *lwa.Grant) error {
		if kept = i.kept(grant, *stored); kept != "" {
			return errKept
		}
		*stored = grant
		return nil
	})
	if err != nil && !errors.Is(err, errKept) {
		return err
	}
	if i.Progress != nil {
		i.Progress(row)
	}
	if i.Observe != nil {
		i.Observe(ctx, GrantObservation{grant.Key, row, kept})
	}
	return nil
}

// Grants exports the table of grants from the grants of a store, with their tokens in
// plain text:
//
//	err := new(transfer.Export).Grants(file, store.Grants(ctx))
func (e *Export) Grants(w io.Writer, grants iter.Seq2[lwa.Grant, error]) error {
	out, err := e.output(w, grantTable)
	if err != nil {
		return err
	}
	for g, err := range grants {
		if err != nil {
			return fmt.Errorf("transfer: export grants: %w", err)
		}
		err = out.write(
			g.ClientID, g.AccountID, g.LinkID, string(g.Region), string(g.AccessToken), string(g.RefreshToken),
			timeText(g.IssuedAt), timeText(g.Expiry), timeText(g.ConfirmedAt),
			timeText(g.RefusedAt), timeText(g.DisabledAt), timeText(g.ProbedAt), g.Refused, g.CodeHash,
		)
		if err != nil {
			return err
		}
	}
	return out.flush()
}
