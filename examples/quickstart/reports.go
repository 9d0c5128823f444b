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
	s.say("events of that; what he allowed before has ended. Then Amazon has a bad day. The change")
	s.say("of a lamp is one transaction with its report, which waits until Alexa accepts it.\n")
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
	s.amazon.Fail(alexatest.Fault{URL: europe, Status: http.StatusServiceUnavailable, Times: -1})
	s.say("          Europe is down")
	if err := s.waits(ctx, "hopper", "OFF", alexaevents.Europe); err != nil {
		return err
	}
	s.backend.kill()
	s.amazon.Heal()
	s.say("          the backend is killed; Europe is back; the backend starts again")
	if err := s.startBackend(ctx); err != nil {
		return err
	}
	if err := s.expectReports(ctx, "hopper", "OFF", "Grace (EU)"); err != nil {
		return err
	}

	s.amazon.Fail(alexatest.Fault{URL: europe, Reset: true})
	s.amazon.Fail(alexatest.Fault{URL: america, Status: http.StatusTooManyRequests, Code: "THROTTLING_EXCEPTION"})
	s.say("          Europe breaks a connection, North America throttles")
	if err := s.waits(ctx, "hopper", "ON", alexaevents.Europe); err != nil {
		return err
	}
	if err := s.waits(ctx, "vincent", "ON", alexaevents.NorthAmerica); err != nil {
		return err
	}
	if err := s.expectReports(ctx, "each", "ON", "Grace (EU)", "Vincent (NA)"); err != nil {
		return err
	}
	s.amazon.Fail(alexatest.Fault{URL: europe, Status: http.StatusForbidden, Code: "INSUFFICIENT_PERMISSION_EXCEPTION"})
	s.say("          Send Alexa Events is switched off in the console, and on again")
	if err := s.waits(ctx, "hopper", "OFF", alexaevents.Europe); err != nil {
		return err
	}
	if err := s.expectReports(ctx, "hopper", "OFF", "Grace (EU)"); err != nil {
		return err
	}
	s.amazon.DisableSkill("Vincent")
	if err := s.press(ctx, "vincent", "OFF"); err != nil {
		return err
	}
	if err := s.stopBackend(); err != nil { // it stores first that the grant has ended
		return err
	}
	if err := s.startBackend(ctx); err != nil {
		return err
	}
	s.say("          the backend restarts")
	if err := s.pressInVain(ctx, "vincent", "ON"); err != nil {
		return err
	}
	return s.pressInVain(ctx, "ada", "ON")
}

// tokensExpire ends the time of the access tokens. The refresh tokens work once.
func (s *stage) tokensExpire() {
	s.amazon.ExpireTokens()
	s.say("          Amazon's access tokens expire")
}
