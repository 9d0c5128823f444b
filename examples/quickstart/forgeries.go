package main

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"slices"

	"github.com/alexaevents/alexaevents/alexatest"
)

func (s *stage) strangers(ctx context.Context) error {
	s.say("Anybody can send a request. Only what Alexa signed, for this skill and in time, is let")
	s.say("in. What Mallory tries is refused, each with 400:\n")
	mallory := s.newCustomer("Mallory")
	another := alexatest.Customer{SkillID: "amzn1.ask.skill.another"}
	linked := s.ada.links(0, "ada")
	stolen := s.amazon.NewRequest(s.eventsURL(),
		bytes.ReplaceAll(linked.body, []byte(linked.userID), []byte(mallory.alexa.UserID())))
	stolen.Header = s.amazon.NewRequest(s.eventsURL(), linked.body).Header
	forgeries := []forgery{
		{"Ada's link, with Mallory's user ID in it", stolen},
		{"a genuine event of another skill", s.amazon.NewRequest(s.eventsURL(), another.Enable())},
		{"a genuine event of 61 minutes ago", s.amazon.NewRequest(s.eventsURL(), mallory.enables(61).body)},
	}
	for what, request := range s.amazon.Forgeries(s.eventsURL(), mallory.enables(0).body) {
		forgeries = append(forgeries, forgery{what, request})
	}
	return s.keepsTable(ctx, func() error {
		var spoken []forgery
		for what, request := range s.amazon.Forgeries(s.skillURL(), mallory.speaks(0).body) {
			spoken = append(spoken, forgery{what + ", spoken", request})
		}
		if err := s.refuse(ctx, append(forgeries, spoken...)); err != nil {
			return err
		}
		s.list(append(forgeries, forgery{what: fmt.Sprintf("the last %d, spoken to the skill", len(spoken))}))
		return nil
	})
}

// forgery is a request that the backend must refuse.
type forgery struct {
	what    string
	request *http.Request
}

func (s *stage) refuse(ctx context.Context, forgeries []forgery) error {
	for _, f := range forgeries {
		status, _, err := s.amazon.send(ctx, f.request)
		if err != nil {
			return fmt.Errorf("%s: %w", f.what, err)
		}
		if status != http.StatusBadRequest {
			return fmt.Errorf("%s: expected the answer 400, got %d", f.what, status)
		}
		s.refusals++
	}
	return nil
}

// list names what was refused, two in a line.
func (s *stage) list(forgeries []forgery) {
	for two := range slices.Chunk(forgeries, 2) {
		line := "✗ " + two[0].what
		if len(two) == 2 {
			line = fmt.Sprintf("%-47s✗ %s", line, two[1].what)
		}
		s.say("%s", line)
	}
}
