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

// allow has a customer allow the skill to send events, and expects the backend to
// have stored that.
func (s *stage) allow(ctx context.Context, customer string, region alexaevents.Region, accountID string) error {
	return s.grant(ctx, customer, region, s.auth.accessToken(customer, accountID, time.Now()), "AcceptGrant.Response")
}

// deny expects the backend to store nothing for an access token, and not to use
// the code up.
func (s *stage) deny(ctx context.Context, customer string, region alexaevents.Region, accessToken string) error {
	const login = "https://api.amazon.com/"
	calls := s.amazon.Calls(login)
	if err := s.grant(ctx, customer, region, accessToken, "ACCEPT_GRANT_FAILED"); err != nil {
		return err
	}
	if s.amazon.Calls(login) != calls {
		return fmt.Errorf("the grant of %s: the backend asked Login with Amazon", customer)
	}
	return nil
}

// grant hands a directive to the backend, as the skill's Lambda function does.
func (s *stage) grant(ctx context.Context, customer string, region alexaevents.Region, accessToken, expected string) error {
	what := fmt.Sprintf("the grant of %s (%s)", customer, region)
	code := s.amazon.Grant(region, customer)
	s.codes = append(s.codes, code)
	status, body, err := s.post(ctx, "/alexa/smarthome/"+string(region), alexatest.AcceptGrantDirective(code, accessToken))
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	var answer struct {
		Event struct {
			Header  struct{ Name string }
			Payload struct{ Type string } // of an error
		}
	}
	if err := json.Unmarshal(body, &answer); err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	if got := cmp.Or(answer.Event.Payload.Type, answer.Event.Header.Name); status != http.StatusOK || got != expected {
		return fmt.Errorf("%s: expected the answer 200 %s, got %d %s", what, expected, status, got)
	}
	s.say("          %-34s → %s", what, expected)
	return nil
}

// press switches the lamp of an account, and expects one report to Alexa for each of
// these customers.
func (s *stage) press(ctx context.Context, accountID, power string, customers ...string) error {
	if err := s.switched(ctx, accountID, power); err != nil {
		return err
	}
	return s.expectReports(ctx, accountID, power, customers...)
}

// pressInVain expects the lamp to hear that no customer gets events.
func (s *stage) pressInVain(ctx context.Context, accountID, power string) error {
	what, expected := goes(accountID, power), reply{http.StatusGone, "no live grant"}
	if err := s.lamp(ctx, accountID, power, expected); err != nil {
		return err
	}
	if err := s.reported(ctx, power, nil); err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	s.say("          %-34s → %d %s", what, expected.status, expected.text)
	return nil
}

// switched has somebody press the switch, and expects the backend to have stored that.
func (s *stage) switched(ctx context.Context, accountID, power string) error {
	return s.lamp(ctx, accountID, power, reply{status: http.StatusNoContent})
}

// waits has somebody press the switch, and expects Alexa to be asked and not to hear.
func (s *stage) waits(ctx context.Context, accountID, power string, region alexaevents.Region) error {
	calls := s.amazon.Calls(region.APIEndpoint())
	if err := s.switched(ctx, accountID, power); err != nil {
		return err
	}
	for s.amazon.Calls(region.APIEndpoint()) == calls {
		select {
		case <-time.After(10 * time.Millisecond):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	s.say("          %-34s → %d, and the report waits", goes(accountID, power), http.StatusNoContent)
	return nil
}

func goes(accountID, power string) string {
	return fmt.Sprintf("the lamp of %s goes %s", accountID, power)
}

// expectReports waits for one report to Alexa for each of these customers.
func (s *stage) expectReports(ctx context.Context, accountID, power string, customers ...string) error {
	what := goes(accountID, power)
	if err := s.reported(ctx, power, customers); err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	outcome := "Alexa hears it for " + cmp.Or(strings.Join(customers, " and "), "nobody")
	s.say("          %-34s → %s", what, outcome)
	return nil
}

// reply is what a lamp gets.
type reply struct {
	status int
	text   string
}

func (s *stage) lamp(ctx context.Context, accountID, power string, expected reply) error {
	status, body, err := s.post(ctx, "/lamps/"+accountID+"/"+power, nil)
	switch {
	case err != nil:
		return fmt.Errorf("%s: %w", goes(accountID, power), err)
	case status != expected.status || !strings.Contains(string(body), expected.text):
		return fmt.Errorf("%s: expected the answer %d %s, got %d %s", goes(accountID, power), expected.status, expected.text, status, body)
	}
	return nil
}

// reported expects the gateways to have accepted one report for each of these
// customers since it was asked last, once nothing waits in the outbox.
func (s *stage) reported(ctx context.Context, power string, customers []string) error {
	waiting, err := s.empties(ctx)
	if err != nil {
		return err
	}
	var got, expected []string
	for _, customer := range customers {
		expected = append(expected, customer+": ChangeReport lamp powerState "+power)
	}
	for _, sent := range s.amazon.Sent()[s.sent:] {
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
	s.sent += len(got)
	slices.Sort(got)
	slices.Sort(expected)
	if !slices.Equal(got, expected) {
		return fmt.Errorf("the gateways should have %q and have %q", expected, got)
	}
	if waiting > 0 {
		return fmt.Errorf("%d events still wait in the outbox", waiting)
	}
	return nil
}

// empties waits until the outbox is empty, and returns how many events still wait
// after some seconds: more than it takes until another process has the events of one
// that was killed.
func (s *stage) empties(ctx context.Context) (waiting int64, err error) {
	accounts, err := backend.OpenAccounts(ctx, s.file)
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

// post sends what no signature belongs to.
func (s *stage) post(ctx context.Context, path string, body []byte) (status int, answer []byte, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, s.backend.url+path, bytes.NewReader(body))
	if err != nil {
		return 0, nil, err
	}
	return s.amazon.send(ctx, request)
}
