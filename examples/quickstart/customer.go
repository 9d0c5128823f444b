package main

import (
	"time"

	"github.com/alexaevents/alexaevents/alexatest"
	"github.com/alexaevents/alexaevents/examples/quickstart/backend"
)

// event is an event or a request that Alexa delivers.
type event struct {
	at     time.Time
	text   string // for the output, such as "Ada enables the skill"
	userID string // of the customer at that time
	body   []byte
}

// customer is an Alexa customer. A method returns the event or request of what the
// customer did that many minutes ago.
type customer struct {
	name  string
	alexa alexatest.Customer
	auth  *authServer // issues the access tokens of linked accounts
	now   time.Time
	at    time.Time // of the event that is being made
}

func (s *scenario) newCustomer(name string) *customer {
	c := &customer{name: name, auth: s.auth, now: s.now}
	c.alexa = alexatest.Customer{SkillID: backend.SkillID, Now: func() time.Time { return c.at }}
	return c
}

func (c *customer) enable(minutes int) event {
	return c.event(minutes, "enables the skill", c.alexa.Enable)
}

func (c *customer) link(minutes int, accountID string) event {
	return c.event(minutes, "links the account "+accountID, func() []byte {
		return c.alexa.Link(c.auth.accessToken(c.name, accountID, c.at))
	})
}

func (c *customer) disable(minutes int) event {
	return c.event(minutes, "disables the skill", c.alexa.Disable)
}

func (c *customer) request(minutes int) event {
	return c.event(minutes, "sends a request", func() []byte { return c.alexa.Intent("HelloIntent") })
}

func (c *customer) event(minutes int, what string, body func() []byte) event {
	c.at = ago(c.now, minutes)
	userID := c.alexa.UserID() // before body: disabling ends the user ID
	return event{c.at, c.name + " " + what, userID, body()}
}

func ago(now time.Time, minutes int) time.Time {
	return now.Add(-time.Duration(minutes) * time.Minute)
}

// deliveries returns the events with duplicates and out of order, as Alexa may deliver
// them.
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
