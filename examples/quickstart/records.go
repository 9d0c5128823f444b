package main

import (
	"context"
	"fmt"
	"slices"

	"github.com/alexaevents/alexaevents"
)

// The sections on the customer table. The expected rows are written down by hand, next
// to the events that they follow from.

func (s *scenario) skillEvents(ctx context.Context) error {
	s.printf("Ada links her account, disables the skill, and enables it again under a new user ID.")
	s.printf("Grace and Vincent link the same account. Alexa delivers events with duplicates and out")
	s.printf("of order.\n")
	grace := s.newCustomer("Grace")
	adaFirst := []event{s.ada.enable(50), s.ada.link(49, "ada"), s.ada.disable(40)}
	adaSecond := []event{s.ada.enable(39), s.ada.link(38, "ada")}
	family := []event{grace.enable(45), grace.link(44, "hopper"), s.vincent.enable(43), s.vincent.link(42, "hopper")}
	s.alanEvents = []event{s.alan.enable(47), s.alan.link(46, "alan")}

	s.want["Ada, first"] = row{adaFirst[0].userID, "ada", s.timestamp(49), s.timestamp(40)}
	s.want["Ada, second"] = row{adaSecond[0].userID, "ada", s.timestamp(38), null}
	s.want["Grace"] = row{family[0].userID, "hopper", s.timestamp(44), null}
	s.want["Vincent, first"] = row{family[2].userID, "hopper", s.timestamp(42), null}
	s.want["Alan"] = row{s.alanEvents[0].userID, "alan", s.timestamp(46), null}

	return s.deliver(ctx, deliveries(6, slices.Concat(adaFirst, adaSecond, family, s.alanEvents))...)
}

func (s *scenario) skillRequests(ctx context.Context) error {
	s.printf("Requests to the skill arrive at a second endpoint and pass the same verification.")
	s.printf("Alexa did not deliver Margaret's enablement event: her first request adds her row.\n")
	if err := s.request(ctx, s.ada.request(0), "Hello, ada."); err != nil {
		return err
	}
	margaret := s.newCustomer("Margaret").request(0)
	s.want["Margaret"] = row{margaret.userID, null, s.timestamp(0), null}
	if err := s.request(ctx, margaret, "Hello. Please link your account."); err != nil {
		return err
	}
	return s.checkTable(ctx)
}

func (s *scenario) crash(ctx context.Context) error {
	s.printf("Five events arrive at once. The backend is killed after it acknowledged two of them.")
	s.printf("Alexa redelivers only the other three.\n")
	events := []event{
		s.ada.disable(30), s.ada.enable(29), s.ada.link(28, "ada"),
		s.vincent.link(20, "vincent"), s.alan.disable(25),
	}
	s.change("Ada, second", func(r *row) { r.EndDatetime = s.timestamp(30) })
	s.want["Ada, third"] = row{events[1].userID, "ada", s.timestamp(28), null}
	s.change("Vincent, first", func(r *row) { r.EndDatetime = s.timestamp(20) })
	s.want["Vincent, second"] = row{events[3].userID, "vincent", s.timestamp(20), null}
	s.change("Alan", func(r *row) { r.EndDatetime = s.timestamp(25) })
	s.amazon.DisableSkill("Alan") // which ends his grant

	unacknowledged, err := s.deliverAndKill(ctx, 2, events)
	if err != nil {
		return err
	}
	if err := s.startBackend(ctx); err != nil {
		return err
	}
	s.printStep("the backend starts again, on the same file", "")
	return s.deliver(ctx, unacknowledged...)
}

func (s *scenario) erasure(ctx context.Context) error {
	s.printf("Alan's account is deleted: first from the backend's accounts, then from the customer")
	s.printf("table and the grants. Alexa redelivers his old events after that.\n")
	if err := s.eraseAccount(ctx, "alan"); err != nil {
		return err
	}
	s.printStep("the account alan is erased", "")
	if err := s.switchLampWithoutGrant(ctx, "alan", "OFF"); err != nil {
		return err
	}
	// The store keeps the fact that this user ID disabled the skill. So the late events
	// do not open a row, and their access token resolves to no account.
	s.change("Alan", func(r *row) { r.AccountID, r.StartDatetime = null, null })
	if err := s.checkTable(ctx); err != nil {
		return err
	}
	s.change("Alan", func(r *row) { r.StartDatetime = s.timestamp(46) })
	if err := s.deliver(ctx, s.alanEvents...); err != nil {
		return err
	}
	if err := s.refuseGrant(ctx, "Alan", alexaevents.Europe, s.auth.accessToken("Alan", "alan", s.now)); err != nil {
		return err
	}
	s.printStep("the backend restarts", "")
	return s.keepsTable(ctx, func() error {
		if err := s.stopBackend(); err != nil {
			return err
		}
		return s.startBackend(ctx)
	})
}

func (s *scenario) printTable(ctx context.Context) error {
	table, err := s.table(ctx)
	if err != nil {
		return err
	}
	fmt.Fprintln(s.out, format(table))
	s.printf("Ada had three user IDs. Vincent had two accounts, one of them shared with Grace. Alan's")
	s.printf("account is erased. Margaret linked no account. (IDs are shortened.)")
	return s.checkTable(ctx)
}
