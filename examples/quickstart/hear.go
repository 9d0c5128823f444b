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

// press has somebody press the switch of an account's lamp, and expects Alexa to
// hear of that once for each of these customers.
func (s *stage) press(ctx context.Context, accountID, power string, customers ...string) error {
	return s.pressed(accountID, power, s.lamp(ctx, accountID, power), reply{status: http.StatusNoContent}, customers...)
}

// pressInVain expects Alexa to hear nothing, and the lamp to get this answer.
func (s *stage) pressInVain(ctx context.Context, accountID, power string, status int, why string) error {
	return s.pressed(accountID, power, s.lamp(ctx, accountID, power), reply{status: status, text: why})
}

// reply is what a lamp gets.
type reply struct {
	status int
	text   string
	err    error
}

func (s *stage) lamp(ctx context.Context, accountID, power string) reply {
	status, body, err := s.post(ctx, "/lamps/"+accountID+"/"+power, nil)
	return reply{status, string(body), err}
}

func (s *stage) pressed(accountID, power string, got, expected reply, customers ...string) error {
	what := fmt.Sprintf("the lamp of %s goes %s", accountID, power)
	switch {
	case got.err != nil:
		return fmt.Errorf("%s: %w", what, got.err)
	case got.status != expected.status || !strings.Contains(got.text, expected.text):
		return fmt.Errorf("%s: expected the answer %d %s, got %d %s", what, expected.status, expected.text, got.status, got.text)
	}
	if err := s.heard(power, customers); err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	outcome := "Alexa hears it for " + strings.Join(customers, " and ")
	if len(customers) == 0 {
		outcome = fmt.Sprintf("%d %s", got.status, expected.text)
	}
	s.say("          %-34s → %s", what, outcome)
	return nil
}

// heard expects the gateways to have accepted one report for each of these
// customers since it was asked last.
func (s *stage) heard(power string, customers []string) error {
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
	return nil
}

// post sends what no signature belongs to.
func (s *stage) post(ctx context.Context, path string, body []byte) (status int, answer []byte, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, s.backend.url+path, bytes.NewReader(body))
	if err != nil {
		return 0, nil, err
	}
	return s.amazon.send(ctx, request)
}
