package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
)

// deliver delivers events, one after the other. It expects the backend to acknowledge
// each, and the expected customer table at the end.
func (s *scenario) deliver(ctx context.Context, events ...event) error {
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

// acknowledge expects the status of an acknowledged event.
func (s *scenario) acknowledge(e event, status int) error {
	if status != http.StatusOK {
		return fmt.Errorf("%s: expected status 200, got %d", e.text, status)
	}
	outcome := "200"
	if s.acknowledged[string(e.body)] {
		outcome = "200, duplicate"
	}
	s.acknowledged[string(e.body)] = true
	s.printEvent(e, outcome)
	return nil
}

// deliverAndKill delivers events concurrently, and kills the backend after that many
// acknowledgements. It returns the events that were not acknowledged.
func (s *scenario) deliverAndKill(ctx context.Context, after int, events []event) (unacknowledged []event, err error) {
	type result struct {
		event  event
		status int
		err    error
	}
	results := make(chan result, len(events))
	for _, e := range events {
		go func() {
			status, _, err := s.amazon.post(ctx, s.eventsURL(), e.body)
			results <- result{e, status, err}
		}()
	}
	acknowledged := 0
	for range events {
		r := <-results
		if r.err != nil && acknowledged >= after {
			s.printEvent(r.event, "no response")
			unacknowledged = append(unacknowledged, r.event)
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
			s.printStep("the backend is killed", "")
		}
	}
	return unacknowledged, nil
}

// request delivers a request to the skill, and expects this speech in the response.
func (s *scenario) request(ctx context.Context, e event, speech string) error {
	status, body, err := s.amazon.post(ctx, s.skillURL(), e.body)
	if err != nil {
		return fmt.Errorf("%s: %w", e.text, err)
	}
	if status != http.StatusOK {
		return fmt.Errorf("%s: expected status 200, got %d", e.text, status)
	}
	var response struct {
		Response struct{ OutputSpeech *struct{ Text string } }
	}
	if err := json.Unmarshal(body, &response); err != nil {
		return fmt.Errorf("%s: %w", e.text, err)
	}
	if got := response.Response.OutputSpeech; got == nil || got.Text != speech {
		return fmt.Errorf("%s: expected the speech %q, got %s", e.text, speech, body)
	}
	s.printEvent(e, fmt.Sprintf("200 %q", speech))
	return nil
}
