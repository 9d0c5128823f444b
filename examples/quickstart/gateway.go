package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/alexaevents/alexaevents"
	"github.com/alexaevents/alexaevents/alexatest"
	"github.com/alexaevents/alexaevents/examples/quickstart/backend"
)

// acceptGrant sends an AcceptGrant directive of a customer, and expects the backend to
// accept it.
func (s *scenario) acceptGrant(ctx context.Context, customer string, region alexaevents.Region, accountID string) error {
	return s.sendGrant(ctx, customer, region, s.auth.accessToken(customer, accountID, time.Now()), "AcceptGrant.Response")
}

// refuseGrant expects the backend to refuse a directive with this access token, without
// exchanging the authorization code.
func (s *scenario) refuseGrant(ctx context.Context, customer string, region alexaevents.Region, accessToken string) error {
	const login = "https://api.amazon.com/"
	calls := s.amazon.Calls(login)
	if err := s.sendGrant(ctx, customer, region, accessToken, "ACCEPT_GRANT_FAILED"); err != nil {
		return err
	}
	if s.amazon.Calls(login) != calls {
		return fmt.Errorf("the grant of %s: the backend called Login with Amazon", customer)
	}
	return nil
}

// sendGrant sends a directive to the backend, as the skill's Lambda function does.
func (s *scenario) sendGrant(ctx context.Context, customer string, region alexaevents.Region, accessToken, expected string) error {
	what := fmt.Sprintf("the grant of %s (%s)", customer, region)
	code := s.amazon.Grant(region, customer)
	s.codes = append(s.codes, code)
	status, body, err := s.post(ctx, "/alexa/smarthome/"+string(region), alexatest.AcceptGrantDirective(code, accessToken))
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	var response struct {
		Event struct {
			Header  struct{ Name string }
			Payload struct{ Type string } // of an error
		}
	}
	if err := json.Unmarshal(body, &response); err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	if got := cmp.Or(response.Event.Payload.Type, response.Event.Header.Name); status != http.StatusOK || got != expected {
		return fmt.Errorf("%s: expected 200 %s, got %d %s", what, expected, status, got)
	}
	s.printStep(what, expected)
	return nil
}

// switchLamp switches the lamp of an account, and expects one report to Alexa for each
// of these customers.
func (s *scenario) switchLamp(ctx context.Context, accountID, power string, customers ...string) error {
	if err := s.postLamp(ctx, accountID, power, http.StatusNoContent, ""); err != nil {
		return err
	}
	return s.expectReports(ctx, accountID, power, customers...)
}

// switchLampWithoutGrant expects the backend to refuse, since no customer of the account
// receives events.
func (s *scenario) switchLampWithoutGrant(ctx context.Context, accountID, power string) error {
	const status, text = http.StatusGone, "no live grant"
	if err := s.postLamp(ctx, accountID, power, status, text); err != nil {
		return err
	}
	if err := s.checkReports(ctx, power, nil); err != nil {
		return fmt.Errorf("%s: %w", lampText(accountID, power), err)
	}
	s.printStep(lampText(accountID, power), fmt.Sprintf("%d %s", status, text))
	return nil
}

// queueReport switches the lamp of an account, and waits until the backend has called
// the gateway of the region, which fails.
func (s *scenario) queueReport(ctx context.Context, accountID, power string, region alexaevents.Region) error {
	calls := s.amazon.Calls(region.APIEndpoint())
	if err := s.postLamp(ctx, accountID, power, http.StatusNoContent, ""); err != nil {
		return err
	}
	for s.amazon.Calls(region.APIEndpoint()) == calls {
		select {
		case <-time.After(10 * time.Millisecond):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	s.printStep(lampText(accountID, power), fmt.Sprintf("%d, the report stays in the outbox", http.StatusNoContent))
	return nil
}

// expectReports waits for one report to Alexa for each of these customers.
func (s *scenario) expectReports(ctx context.Context, accountID, power string, customers ...string) error {
	if err := s.checkReports(ctx, power, customers); err != nil {
		return fmt.Errorf("%s: %w", lampText(accountID, power), err)
	}
	s.printStep(lampText(accountID, power), "reported for "+cmp.Or(strings.Join(customers, " and "), "no customer"))
	return nil
}

func lampText(accountID, power string) string {
	return fmt.Sprintf("the lamp of %s is %s", accountID, power)
}

// postLamp calls the backend as a lamp does that was switched, and expects a status and
// a text in the response.
func (s *scenario) postLamp(ctx context.Context, accountID, power string, expected int, text string) error {
	status, body, err := s.post(ctx, "/lamps/"+accountID+"/"+power, nil)
	switch {
	case err != nil:
		return fmt.Errorf("%s: %w", lampText(accountID, power), err)
	case status != expected || !strings.Contains(string(body), text):
		return fmt.Errorf("%s: expected %d %s, got %d %s", lampText(accountID, power), expected, text, status, body)
	}
	return nil
}

// checkReports waits until the outbox is empty. Then it expects that the gateways
// accepted one report for each of these customers since the last check.
func (s *scenario) checkReports(ctx context.Context, power string, customers []string) error {
	waiting, err := s.awaitOutbox(ctx)
	if err != nil {
		return err
	}
	var got, expected []string
	for _, customer := range customers {
		expected = append(expected, customer+": ChangeReport lamp powerState "+power)
	}
	for _, sent := range s.amazon.Sent()[s.checked:] {
		var report struct {
			Event struct {
				Header   struct{ Name, MessageID string }
				Endpoint struct{ EndpointID string }
				Payload  struct {
					Change struct {
						Properties []struct{ Name, Value string }
					}
				}
			}
		}
		if err := json.Unmarshal(sent.Body, &report); err != nil {
			return err
		}
		event := report.Event
		words := []string{fmt.Sprintf("%s (%s):", sent.Customer, sent.Region), event.Header.Name, event.Endpoint.EndpointID}
		for _, p := range event.Payload.Change.Properties {
			words = append(words, p.Name, p.Value)
		}
		got = append(got, strings.Join(words, " "))
		if s.messageIDs[event.Header.MessageID] {
			return errors.New("a message ID was used twice")
		}
		s.messageIDs[event.Header.MessageID] = true
	}
	s.checked += len(got)
	slices.Sort(got)
	slices.Sort(expected)
	if !slices.Equal(got, expected) {
		return fmt.Errorf("expected the events %q at the gateways, got %q", expected, got)
	}
	if waiting > 0 {
		return fmt.Errorf("%d events still wait in the outbox", waiting)
	}
	return nil
}

// awaitOutbox waits until the outbox is empty, and returns the number of events that
// still wait after 8 seconds. That is longer than it takes until a process sends the
// events of a killed process.
func (s *scenario) awaitOutbox(ctx context.Context) (waiting int64, err error) {
	accounts, err := backend.OpenAccounts(ctx, s.database)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, accounts.Close()) }()
	for start := time.Now(); ; {
		stats, err := accounts.Outbox.Stats(ctx)
		if err != nil {
			return 0, err
		}
		waiting = 0
		for _, region := range stats {
			waiting += region.Waiting
		}
		if waiting == 0 || time.Since(start) > 8*time.Second {
			return waiting, nil
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// post sends a request without a signature.
func (s *scenario) post(ctx context.Context, path string, body []byte) (status int, response []byte, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, s.backend.url+path, bytes.NewReader(body))
	if err != nil {
		return 0, nil, err
	}
	return s.amazon.send(ctx, request)
}
