package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
)

// deliver delivers events, one after the other, and expects each to be
// acknowledged and the customer table to be as the story wants it then.
func (s *stage) deliver(ctx context.Context, events ...event) error {
	for _, e := range events {
		status, _, err := s.amazon.post(ctx, s.eventsURL(), e.body)
		if err != nil {
			return fmt.Errorf("%s: %w", e.text, err)
		}
		if err := s.acknowledge(e, status); err != nil {
			return err
		}
	}
	return s.checkTable(ctx)
}

func (s *stage) acknowledge(e event, status int) error {
	if status != http.StatusOK {
		return fmt.Errorf("%s: expected the answer 200, got %d", e.text, status)
	}
	outcome := "200 recorded"
	if s.recorded[string(e.body)] {
		outcome = "200 once more"
	}
	s.recorded[string(e.body)] = true
	s.tell(e.at, e.text, outcome)
	return nil
}

// deliverAndKill delivers events all at once, and kills the backend after that
// many were acknowledged. It returns those that were not.
func (s *stage) deliverAndKill(ctx context.Context, after int, events []event) (unanswered []event, err error) {
	type reply struct {
		event  event
		status int
		err    error
	}
	replies := make(chan reply, len(events))
	for _, e := range events {
		go func() {
			status, _, err := s.amazon.post(ctx, s.eventsURL(), e.body)
			replies <- reply{e, status, err}
		}()
	}
	acknowledged := 0
	for range events {
		r := <-replies
		if r.err != nil && acknowledged >= after {
			s.tell(r.event.at, r.event.text, "no answer")
			unanswered = append(unanswered, r.event)
			continue
		}
		if r.err != nil {
			return nil, fmt.Errorf("%s: %w", r.event.text, r.err)
		}
		if err := s.acknowledge(r.event, r.status); err != nil {
			return nil, err
		}
		if acknowledged++; acknowledged == after {
			s.backend.kill()
			s.say("          the backend is killed")
		}
	}
	return unanswered, nil
}

// hear delivers what a customer said, and expects the skill to answer this.
func (s *stage) hear(ctx context.Context, said event, expected string) error {
	status, body, err := s.amazon.post(ctx, s.skillURL(), said.body)
	if err != nil {
		return fmt.Errorf("%s: %w", said.text, err)
	}
	if status != http.StatusOK {
		return fmt.Errorf("%s: expected the answer 200, got %d", said.text, status)
	}
	var heard struct {
		Response struct{ OutputSpeech *struct{ Text string } }
	}
	if err := json.Unmarshal(body, &heard); err != nil {
		return fmt.Errorf("%s: %w", said.text, err)
	}
	if heard.Response.OutputSpeech == nil || heard.Response.OutputSpeech.Text != expected {
		return fmt.Errorf("%s: expected to hear %q, got %s", said.text, expected, body)
	}
	s.tell(said.at, said.text, fmt.Sprintf("200 %q", expected))
	return nil
}
