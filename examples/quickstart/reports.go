package main

import (
	"context"
	"net/http"

	"github.com/alexaevents/alexaevents"
	"github.com/alexaevents/alexaevents/alexatest"
)

// The sections on events that the backend sends to Alexa's event gateways.

func (s *scenario) grants(ctx context.Context) error {
	s.printf("Grace (Europe) and Vincent (North America) share the account hopper and its lamp. Each")
	s.printf("permits the skill to send events. A change of the lamp is reported once for each grant.\n")
	s.amazon.RotateRefreshTokens(true)
	if err := s.acceptGrant(ctx, "Grace", alexaevents.Europe, "hopper"); err != nil {
		return err
	}
	if err := s.acceptGrant(ctx, "Vincent", alexaevents.NorthAmerica, "hopper"); err != nil {
		return err
	}
	if err := s.acceptGrant(ctx, "Alan", alexaevents.Europe, "alan"); err != nil {
		return err
	}
	if err := s.refuseGrant(ctx, "Mallory", alexaevents.Europe, "a forged token"); err != nil {
		return err
	}
	if err := s.switchLamp(ctx, "hopper", "ON", "Grace (EU)", "Vincent (NA)"); err != nil {
		return err
	}
	if err := s.switchLamp(ctx, "alan", "ON", "Alan (EU)"); err != nil {
		return err
	}
	s.expireTokens()
	return s.switchLamp(ctx, "hopper", "OFF", "Grace (EU)", "Vincent (NA)")
}

func (s *scenario) gatewayFailures(ctx context.Context) error {
	s.printf("The grants outlive the restarts. Vincent linked an account of his own and grants events")
	s.printf("for it; his old grant has ended. A change of a lamp is stored in one transaction with")
	s.printf("its report. The outbox sends the report until Alexa accepts it.\n")
	s.amazon.DisableSkill("Vincent")
	if err := s.acceptGrant(ctx, "Vincent", alexaevents.NorthAmerica, "vincent"); err != nil {
		return err
	}
	s.expireTokens()
	if err := s.switchLamp(ctx, "hopper", "ON", "Grace (EU)"); err != nil {
		return err
	}
	if err := s.switchLamp(ctx, "vincent", "ON", "Vincent (NA)"); err != nil {
		return err
	}

	europe, america := alexaevents.Europe.APIEndpoint(), alexaevents.NorthAmerica.APIEndpoint()
	s.amazon.Fail(alexatest.Fault{URL: europe, Status: http.StatusServiceUnavailable, Times: -1})
	s.printStep("EU: status 503 from now on", "")
	if err := s.queueReport(ctx, "hopper", "OFF", alexaevents.Europe); err != nil {
		return err
	}
	s.backend.kill()
	s.amazon.Heal()
	if err := s.startBackend(ctx); err != nil {
		return err
	}
	s.printStep("the backend is killed; EU works again; the backend starts again", "")
	if err := s.expectReports(ctx, "hopper", "OFF", "Grace (EU)"); err != nil {
		return err
	}

	s.amazon.Fail(alexatest.Fault{URL: europe, Reset: true})
	s.amazon.Fail(alexatest.Fault{URL: america, Status: http.StatusTooManyRequests, Code: "THROTTLING_EXCEPTION"})
	s.printStep("EU: connection reset; NA: 429 THROTTLING_EXCEPTION", "")
	if err := s.queueReport(ctx, "hopper", "ON", alexaevents.Europe); err != nil {
		return err
	}
	if err := s.queueReport(ctx, "vincent", "ON", alexaevents.NorthAmerica); err != nil {
		return err
	}
	if err := s.expectReports(ctx, "each account", "ON", "Grace (EU)", "Vincent (NA)"); err != nil {
		return err
	}
	s.amazon.Fail(alexatest.Fault{URL: europe, Status: http.StatusForbidden, Code: "INSUFFICIENT_PERMISSION_EXCEPTION"})
	s.printStep("Send Alexa Events is switched off in the console, and on again", "")
	if err := s.queueReport(ctx, "hopper", "OFF", alexaevents.Europe); err != nil {
		return err
	}
	if err := s.expectReports(ctx, "hopper", "OFF", "Grace (EU)"); err != nil {
		return err
	}
	s.amazon.DisableSkill("Vincent")
	s.printStep("Vincent disables the skill", "")
	if err := s.switchLamp(ctx, "vincent", "OFF"); err != nil {
		return err
	}
	if err := s.stopBackend(); err != nil { // the backend first stores that the grant has ended
		return err
	}
	if err := s.startBackend(ctx); err != nil {
		return err
	}
	s.printStep("the backend restarts", "")
	if err := s.switchLampWithoutGrant(ctx, "vincent", "ON"); err != nil {
		return err
	}
	return s.switchLampWithoutGrant(ctx, "ada", "ON")
}

// expireTokens makes all access tokens expire. Each refresh token works once.
func (s *scenario) expireTokens() {
	s.amazon.ExpireTokens()
	s.printStep("all access tokens of Login with Amazon expire", "")
}
