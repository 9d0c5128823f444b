package main

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"slices"

	"github.com/alexaevents/alexaevents/alexatest"
)

// forgery is a request that the backend must refuse.
type forgery struct {
	what    string
	request *http.Request
}

func (s *scenario) forgedRequests(ctx context.Context) error {
	s.printf("Anyone can send a request to the backend. It accepts only what Alexa signed, for this")
	s.printf("skill, with a recent timestamp. Each of these gets 400:\n")
	mallory := s.newCustomer("Mallory")
	another := alexatest.Customer{SkillID: "amzn1.ask.skill.another"}
	link := s.ada.link(0, "ada")
	changed := s.amazon.NewRequest(s.eventsURL(),
		bytes.ReplaceAll(link.body, []byte(link.userID), []byte(mallory.alexa.UserID())))
	changed.Header = s.amazon.NewRequest(s.eventsURL(), link.body).Header
	forgeries := []forgery{
		{"a link event with another user ID in it", changed},
		{"a genuine event of another skill", s.amazon.NewRequest(s.eventsURL(), another.Enable())},
		{"a genuine event of 61 minutes ago", s.amazon.NewRequest(s.eventsURL(), mallory.enable(61).body)},
	}
	for what, request := range s.amazon.Forgeries(s.eventsURL(), mallory.enable(0).body) {
		forgeries = append(forgeries, forgery{what, request})
	}
	return s.keepsTable(ctx, func() error {
		var toSkill []forgery
		for what, request := range s.amazon.Forgeries(s.skillURL(), mallory.request(0).body) {
			toSkill = append(toSkill, forgery{what + ", to the skill", request})
		}
		if err := s.refuse(ctx, append(forgeries, toSkill...)); err != nil {
			return err
		}
		s.list(append(forgeries, forgery{what: fmt.Sprintf("the last %d, as requests to the skill", len(toSkill))}))
		return nil
	})
}

// refuse expects status 400 for each.
func (s *scenario) refuse(ctx context.Context, forgeries []forgery) error {
	for _, f := range forgeries {
		status, _, err := s.amazon.send(ctx, f.request)
		if err != nil {
			return fmt.Errorf("%s: %w", f.what, err)
		}
		if status != http.StatusBadRequest {
			return fmt.Errorf("%s: expected status 400, got %d", f.what, status)
		}
		s.refusals++
	}
	return nil
}

// list prints the forgeries, two in a line.
func (s *scenario) list(forgeries []forgery) {
	for two := range slices.Chunk(forgeries, 2) {
		line := "✗ " + two[0].what
		if len(two) == 2 {
			line = fmt.Sprintf("%-48s ✗ %s", line, two[1].what)
		}
		s.printf("%s", line)
	}
}
