package storetest

import (
	"fmt"
	"iter"
	"math/rand/v2"
	"strconv"
	"strings"
	"time"

	"github.com/alexaevents/alexaevents"
	"github.com/alexaevents/alexaevents/identity"
	"github.com/alexaevents/alexaevents/lwa"
)

// scattered gives numbers that have no order, no two of them the same.
func scattered(n int) uint64 { return uint64(n) * 0x9E3779B97F4A7C15 } //nolint:gosec // it wraps on purpose

var filler = strings.Repeat("A", 400)

// userID has the length of Alexa's own, 225 characters, and no order.
func userID(n int) string {
	id := append(make([]byte, 0, 225), "amzn1.ask.account."...)
	id = strconv.AppendUint(id, scattered(n), 16)
	return string(append(id, filler[len(id):225]...))
}

// customer is one of those that a store is timed with.
type customer struct {
	n         int
	userID    string
	accountID string
}

func newCustomer(n int) customer {
	return customer{n, userID(n), fmt.Sprintf("00000000-0000-4000-8000-%016x", scattered(n))}
}

func (c customer) linked() identity.Fact { return linked(c.userID, c.n, c.accountID) }

// facts are what Alexa tells of a customer, one in three of whom is gone. They
// make one record.
func (c customer) facts() []identity.Fact {
	first, last := enabled(c.userID, c.n), disabled(c.userID, c.n)
	first.At, last.At = first.At.Add(-time.Minute), last.At.Add(time.Hour)
	if c.n%3 != 0 {
		last.Kind = identity.Seen
	}
	return []identity.Fact{first, c.linked(), last}
}

func (c customer) key() lwa.Key {
	return keyOf(c.accountID, "9b74c9897bac770ffc029102a200c5de9b74c9897bac770ffc029102a200c5de")
}

// grant is one with tokens as long as Amazon's.
func (c customer) grant() lwa.Grant {
	grant := grantOf(c.key(), c.n)
	grant.Refused = ""
	grant.AccessToken += alexaevents.Secret(filler[len(grant.AccessToken):])
	grant.RefreshToken += alexaevents.Secret(filler[len(grant.RefreshToken):])
	return grant
}

// customers are those with the numbers from 0 on.
func customers(count int) iter.Seq[customer] {
	return func(yield func(customer) bool) {
		for n := range count {
			if !yield(newCustomer(n)) {
				return
			}
		}
	}
}

// someCustomers picks among them at random, some of them twice.
func someCustomers(count int) []customer {
	random := rand.New(rand.NewPCG(5, 6)) //nolint:gosec // repeatable on purpose
	some := make([]customer, min(count, 1<<14))
	for i := range some {
		some[i] = newCustomer(random.IntN(count))
	}
	return some
}
