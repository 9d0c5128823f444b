package transfer

import (
	"cmp"
	"context"
	"fmt"
	"hash/maphash"
	"io"
	"time"

	"github.com/alexaevents/alexaevents"
	"github.com/alexaevents/alexaevents/lwa"
)

var grantTable = table{columns: []string{
	"ClientID", "AccountID", "LinkID", "Region", "AccessToken", "RefreshToken", "IssuedAt", "Expiry", "ConfirmedAt",
	"RefusedAt", "DisabledAt", "ProbedAt", "Refused", "CodeHash",
}}

// Grants stores the grants of a table, each unless the store has a better one of
// its key, as the documentation of the package has it.
//
// The error wraps [ErrInvalidFile], or what the store, r or ctx gave. The grants
// before it are stored.
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
				err = row.invalid("another row has the same ClientID, AccountID and LinkID, and a store keeps one of them")
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

// grant returns what a row says.
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
		return lwa.Grant{}, r.invalid("there is a Region, but no LinkID, without which events are sent with no grant")
	case grant.LinkID != "" && grant.Region == "":
		return lwa.Grant{}, r.invalid("there is a LinkID, but no Region, without which no events can be sent")
	case grant.Region != "" && grant.Region.APIEndpoint() == "":
		return lwa.Grant{}, r.invalid("Region is none of %s, %s, %s", alexaevents.NorthAmerica, alexaevents.Europe, alexaevents.FarEast)
	}
	if _, err := grant.Clean(); err != nil {
		return lwa.Grant{}, r.invalid("%w", err)
	}
	return grant, nil
}
