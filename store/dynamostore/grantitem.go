package dynamostore

import (
	"strings"
	"time"

	"github.com/alexaevents/alexaevents"
	"github.com/alexaevents/alexaevents/lwa"
)

// grantItem is the item of a grant. The account is the partition key. The sort key begins
// with the client, so the grants of a client are together, sorted by link.
//
// The revision changes with each update. A write on the condition of the revision
// replaces exactly what was read.
type grantItem struct {
	AccountID    string
	ClientLink   string // client ID, NUL, link ID
	Region       string `dynamodbav:",omitempty"`
	AccessToken  string `dynamodbav:",omitempty"`
	RefreshToken string
	IssuedAt     *int64 `dynamodbav:",omitempty"` // milliseconds since 1970-01-01T00:00:00Z, like all times here
	Expiry       *int64 `dynamodbav:",omitempty"`
	ConfirmedAt  *int64 `dynamodbav:",omitempty"`
	RefusedAt    *int64 `dynamodbav:",omitempty"`
	DisabledAt   *int64 `dynamodbav:",omitempty"`
	ProbedAt     *int64 `dynamodbav:",omitempty"`
	Refused      string `dynamodbav:",omitempty"`
	CodeHash     string `dynamodbav:",omitempty"`
	Revision     string
}

func clientLink(key lwa.Key) string { return key.ClientID + "\x00" + key.LinkID }

func grantKey(key lwa.Key) attributes {
	return attributes{"AccountID": text(key.AccountID), "ClientLink": text(clientLink(key))}
}

func grantItemOf(g lwa.Grant, revision string) grantItem {
	return grantItem{
		AccountID:    g.AccountID,
		ClientLink:   clientLink(g.Key),
		Region:       string(g.Region),
		AccessToken:  string(g.AccessToken),
		RefreshToken: string(g.RefreshToken),
		IssuedAt:     toMillis(g.IssuedAt),
		Expiry:       toMillis(g.Expiry),
		ConfirmedAt:  toMillis(g.ConfirmedAt),
		RefusedAt:    toMillis(g.RefusedAt),
		DisabledAt:   toMillis(g.DisabledAt),
		ProbedAt:     toMillis(g.ProbedAt),
		Refused:      g.Refused,
		CodeHash:     g.CodeHash,
		Revision:     revision,
	}
}

func (i grantItem) grant() lwa.Grant {
	clientID, linkID, _ := strings.Cut(i.ClientLink, "\x00")
	return lwa.Grant{
		Key:          lwa.Key{ClientID: clientID, AccountID: i.AccountID, LinkID: linkID},
		Region:       alexaevents.Region(i.Region),
		AccessToken:  alexaevents.Secret(i.AccessToken),
		RefreshToken: alexaevents.Secret(i.RefreshToken),
		IssuedAt:     fromMillis(i.IssuedAt),
		Expiry:       fromMillis(i.Expiry),
		ConfirmedAt:  fromMillis(i.ConfirmedAt),
		RefusedAt:    fromMillis(i.RefusedAt),
		DisabledAt:   fromMillis(i.DisabledAt),
		ProbedAt:     fromMillis(i.ProbedAt),
		Refused:      i.Refused,
		CodeHash:     i.CodeHash,
	}
}

// toMillis returns nil for the zero time.
func toMillis(t time.Time) *int64 {
	if t.IsZero() {
		return nil
	}
	n := t.UnixMilli()
	return &n
}

func fromMillis(n *int64) time.Time {
	if n == nil {
		return time.Time{}
	}
	return time.UnixMilli(*n).UTC()
}
