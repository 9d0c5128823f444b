package main

import (
	"time"

	"github.com/alexaevents/alexaevents/alexatest"
	"github.com/alexaevents/alexaevents/examples/quickstart/backend"
)

// event is what Alexa delivers, and what it says in words.
type event struct {
	at     time.Time
	text   string
	userID string // of the customer at that time
	body   []byte
}

// customer is an Alexa customer. The methods take the number of minutes before
// now at which the customer does something.
type customer struct {
	name  string
	alexa alexatest.Customer
	auth  *authServer // where the customer links accounts
	now   time.Time
	at    time.Time // the customer's clock
}

func (s *stage) newCustomer(name string) *customer {
	c := &customer{name: name, auth: s.auth, now: s.now}
	c.alexa = alexatest.Customer{SkillID: backend.SkillID, Now: func() time.Time { return c.at }}
	return c
}

func (c *customer) enables(minutes int) event {
	return c.does(minutes, "enables the skill", c.alexa.Enable)
}

func (c *customer) links(minutes int, accountID string) event {
	return c.does(minutes, "links the account "+accountID, func() []byte {
		return c.alexa.Link(c.auth.accessToken(c.name, accountID, c.at))
	})
}

func (c *customer) disables(minutes int) event {
	return c.does(minutes, "disables the skill", c.alexa.Disable)
}

func (c *customer) speaks(minutes int) event {
	return c.does(minutes, "speaks", func() []byte { return c.alexa.Intent("HelloIntent") })
}

func (c *customer) does(minutes int, what string, body func() []byte) event {
	c.at = ago(c.now, minutes)
	userID := c.alexa.UserID() // before body, since disabling ends it
	return event{c.at, c.name + " " + what, userID, body()}
}

func ago(now time.Time, minutes int) time.Time {
	return now.Add(-time.Duration(minutes) * time.Minute)
}

// deliveries are the events as Alexa may deliver them: repeated, in any order.
func deliveries(seed uint64, events []event) []event {
	byBody := make(map[string]event)
	var bodies [][]byte
	for _, e := range events {
		byBody[string(e.body)] = e
		bodies = append(bodies, e.body)
	}
	var delivered []event
	for _, body := range alexatest.Deliveries(seed, bodies...) {
		delivered = append(delivered, byBody[string(body)])
	}
	return delivered
}
