package storebench

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/alexaevents/alexaevents"
	"github.com/alexaevents/alexaevents/identity"
	"github.com/alexaevents/alexaevents/lwa"
)

const (
	skill       = "amzn1.ask.skill.11111111-1111-4111-8111-111111111111"
	lwaClient   = "amzn1.application-oa2-client.11111111111111111111111111111111"
	tokenLength = 400
)

// customer is one of the customers that a store is timed with.
type customer struct {
	n         int
	userID    string
	accountID string
}

func newCustomer(n int) customer {
	return customer{n, userID(n), fmt.Sprintf("00000000-0000-4000-8000-%016x", scattered(n))}
}

// userID has the length of Alexa's own, 225 characters.
func userID(n int) string { return padded(fmt.Sprintf("amzn1.ask.account.%x", scattered(n)), 225) }

// scattered returns distinct numbers in no order.
func scattered(n int) uint64 { return uint64(n) * 0x9E3779B97F4A7C15 } //nolint:gosec // it wraps on purpose

func padded(text string, length int) string { return text + strings.Repeat("A", length-len(text)) }

func (c customer) time() time.Time { return time.Date(2026, 3, 1, 0, 0, c.n, 0, time.UTC) }

func (c customer) fact(kind identity.Kind, at time.Time) identity.Fact {
	return identity.Fact{SkillID: skill, AmazonUserID: c.userID, At: at, Kind: kind}
}

func (c customer) linked() identity.Fact {
	fact := c.fact(identity.Linked, c.time())
	fact.AccountID = c.accountID
	return fact
}

// facts returns the facts of a customer, which make one record. One customer in
// three has disabled the skill.
func (c customer) facts() []identity.Fact {
	last := identity.Seen
	if c.n%3 == 0 {
		last = identity.Disabled
	}
	return []identity.Fact{
		c.fact(identity.Enabled, c.time().Add(-time.Minute)), c.linked(), c.fact(last, c.time().Add(time.Hour)),
	}
}

func (c customer) key() lwa.Key {
	return lwa.Key{ClientID: lwaClient, AccountID: c.accountID, LinkID: strings.Repeat("9b74c989", 8)}
}

func (c customer) grant() lwa.Grant {
	return lwa.Grant{
		Key:          c.key(),
		Region:       alexaevents.Europe,
		AccessToken:  alexaevents.Secret(padded(fmt.Sprintf("Atza|%d", c.n), tokenLength)),
		RefreshToken: alexaevents.Secret(padded(fmt.Sprintf("Atzr|%d", c.n), tokenLength)),
		IssuedAt:     c.time(),
		Expiry:       c.time().Add(time.Hour),
		ConfirmedAt:  c.time().Add(time.Minute),
		CodeHash:     fmt.Sprintf("%064x", c.n),
	}
}

// someCustomers picks customers at random, some of them twice.
func someCustomers(count int) []customer {
	random := rand.New(rand.NewPCG(5, 6)) //nolint:gosec // repeatable on purpose
	some := make([]customer, min(count, 1<<14))
	for i := range some {
		some[i] = newCustomer(random.IntN(count))
	}
	return some
}
