package transfer

import (
	"fmt"
	"io"
	"iter"

	"github.com/alexaevents/alexaevents/identity"
	"github.com/alexaevents/alexaevents/lwa"
)

// Customers writes the table of customers that the facts make, which come from
// the method Facts of a store:
//
//	err := new(transfer.Export).Customers(file, store.Facts(ctx))
func (e *Export) Customers(w io.Writer, facts iter.Seq2[identity.Fact, error]) error {
	out, err := e.output(w, customerTable)
	if err != nil {
		return err
	}
	var user []identity.Fact
	for fact, err := range facts {
		if err != nil {
			return fmt.Errorf("transfer: export customers: %w", err)
		}
		if len(user) > 0 && (user[0].SkillID != fact.SkillID || user[0].AmazonUserID != fact.AmazonUserID) {
			if err := out.records(user); err != nil {
				return err
			}
			user = user[:0]
		}
		user = append(user, fact)
	}
	if err := out.records(user); err != nil {
		return err
	}
	return out.flush()
}

func (o *output) records(facts []identity.Fact) error {
	for _, r := range identity.Records(facts) {
		err := o.write(r.ID, r.AmazonUserID, r.AccountID, timeText(r.StartDatetime), timeText(r.EndDatetime), r.SkillID, timeText(r.EnabledAt))
		if err != nil {
			return err
		}
	}
	return nil
}

// Grants writes the table of grants, which come from the method Grants of a
// store, with their tokens in the clear.
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
