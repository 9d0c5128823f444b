package main

import (
	"context"
	"net/http"

	"github.com/alexaevents/alexaevents"
	"github.com/alexaevents/alexaevents/alexatest"
)

// The chapters of the other direction: what the backend tells Alexa.

func (s *stage) lampGoesOn(ctx context.Context) error {
	s.say("Grace lives in Europe, Vincent in North America, and the lamp of their family is in the")
	s.say("Alexa apps of both. They allow the skill to send events, then somebody presses a switch.\n")
	s.amazon.RotateRefreshTokens(true)
	if err := s.allow(ctx, "Grace", alexaevents.Europe, "hopper"); err != nil {
		return err
	}
	if err := s.allow(ctx, "Vincent", alexaevents.NorthAmerica, "hopper"); err != nil {
		return err
	}
	if err := s.allow(ctx, "Alan", alexaevents.Europe, "alan"); err != nil {
		return err
	}
	if err := s.deny(ctx, "Mallory", alexaevents.Europe, "a token that she made up"); err != nil {
		return err
	}
	if err := s.press(ctx, "hopper", "ON", "Grace (EU)", "Vincent (NA)"); err != nil {
		return err
	}
	if err := s.press(ctx, "alan", "ON", "Alan (EU)"); err != nil {
		return err
	}
	s.tokensExpire()
	return s.press(ctx, "hopper", "OFF", "Grace (EU)", "Vincent (NA)")
}

func (s *stage) lampInBadWeather(ctx context.Context) error {
	s.say("The restarts lost no grant. Vincent, who linked an account of his own meanwhile, allows")
	s.say("events of that; what he allowed before has ended. Then Amazon has a bad day, and a lamp")
	s.say("may hear 500: somebody has to see to it; 503: come again later; 410: nobody listens.\n")
	s.amazon.DisableSkill("Vincent")
	if err := s.allow(ctx, "Vincent", alexaevents.NorthAmerica, "vincent"); err != nil {
		return err
	}
	s.tokensExpire()
	if err := s.press(ctx, "hopper", "ON", "Grace (EU)"); err != nil {
		return err
	}
	if err := s.press(ctx, "vincent", "ON", "Vincent (NA)"); err != nil {
		return err
	}

	europe, america := alexaevents.Europe.APIEndpoint(), alexaevents.NorthAmerica.APIEndpoint()
	s.amazon.Fail(alexatest.Fault{URL: europe, Status: http.StatusForbidden, Code: "INSUFFICIENT_PERMISSION_EXCEPTION"})
	if err := s.pressInVain(ctx, "hopper", "ON", http.StatusInternalServerError, "INSUFFICIENT_PERMISSION_EXCEPTION"); err != nil {
		return err
	}
	s.amazon.Fail(alexatest.Fault{URL: europe, Reset: true})
	s.amazon.Fail(alexatest.Fault{URL: america, Status: http.StatusTooManyRequests, Code: "THROTTLING_EXCEPTION", Times: -1})
	s.say("          Europe breaks a connection, North America throttles")
	throttled := make(chan reply)
	go func() { throttled <- s.lamp(ctx, "vincent", "OFF") }() // at once, since both wait a second
	resent, tooLate := s.lamp(ctx, "hopper", "OFF"), <-throttled
	if err := s.pressed("hopper", "OFF", resent, reply{status: http.StatusNoContent}, "Grace (EU)"); err != nil {
		return err
	}
	if err := s.pressed("vincent", "OFF", tooLate, reply{status: http.StatusServiceUnavailable, text: "THROTTLING_EXCEPTION"}); err != nil {
		return err
	}
	s.amazon.Heal()
	if err := s.press(ctx, "vincent", "OFF", "Vincent (NA)"); err != nil {
		return err
	}
	s.amazon.DisableSkill("Vincent")
	if err := s.pressInVain(ctx, "vincent", "ON", http.StatusGone, "SKILL_DISABLED_EXCEPTION"); err != nil {
		return err
	}
	return s.pressInVain(ctx, "ada", "ON", http.StatusGone, "no grant")
}

// tokensExpire ends the time of the access tokens. The refresh tokens work once.
func (s *stage) tokensExpire() {
	s.amazon.ExpireTokens()
	s.say("          Amazon's access tokens expire")
}
