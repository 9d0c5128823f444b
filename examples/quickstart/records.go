package main

import (
	"context"
	"fmt"
	"slices"

	"github.com/alexaevents/alexaevents"
)

// The chapters, in order. What the customer table should be is written down here
// by hand, in s.want, next to the events that make it so.

func (s *stage) comeAndGo(ctx context.Context) error {
	s.say("Ada links her account, leaves, and comes back: to Alexa she is another user then.")
	s.say("Grace and Vincent both link the account of their family. Alexa repeats events and")
	s.say("delivers them in any order.\n")
	grace := s.newCustomer("Grace")
	adaFirst := []event{s.ada.enables(50), s.ada.links(49, "ada"), s.ada.disables(40)}
	adaSecond := []event{s.ada.enables(39), s.ada.links(38, "ada")}
	family := []event{grace.enables(45), grace.links(44, "hopper"), s.vincent.enables(43), s.vincent.links(42, "hopper")}
	s.alanEvents = []event{s.alan.enables(47), s.alan.links(46, "alan")}

	s.want["Ada, first"] = row{adaFirst[0].userID, "ada", s.when(49), s.when(40)}
	s.want["Ada, second"] = row{adaSecond[0].userID, "ada", s.when(38), null}
	s.want["Grace"] = row{family[0].userID, "hopper", s.when(44), null}
	s.want["Vincent, first"] = row{family[2].userID, "hopper", s.when(42), null}
	s.want["Alan"] = row{s.alanEvents[0].userID, "alan", s.when(46), null}

	return s.deliver(ctx, deliveries(6, slices.Concat(adaFirst, adaSecond, family, s.alanEvents))...)
}

func (s *stage) speak(ctx context.Context) error {
	s.say("What customers say comes to another endpoint, behind the same check. Alexa could not")
	s.say("deliver that Margaret enabled the skill: the table knows her from her first words on.\n")
	if err := s.hear(ctx, s.ada.speaks(0), "Hello, ada."); err != nil {
		return err
	}
	margaret := s.newCustomer("Margaret").speaks(0)
	s.want["Margaret"] = row{margaret.userID, null, s.when(0), null}
	if err := s.hear(ctx, margaret, "Hello, whoever you are."); err != nil {
		return err
	}
	return s.checkTable(ctx)
}

func (s *stage) killed(ctx context.Context) error {
	s.say("Five events arrive at once, and the backend is killed when it has acknowledged two of")
	s.say("them. Alexa delivers the others again, but never those two.\n")
	events := []event{
		s.ada.disables(30), s.ada.enables(29), s.ada.links(28, "ada"),
		s.vincent.links(20, "vincent"), s.alan.disables(25),
	}
	s.change("Ada, second", func(r *row) { r.EndDatetime = s.when(30) })
	s.want["Ada, third"] = row{events[1].userID, "ada", s.when(28), null}
	s.change("Vincent, first", func(r *row) { r.EndDatetime = s.when(20) })
	s.want["Vincent, second"] = row{events[3].userID, "vincent", s.when(20), null}
	s.change("Alan", func(r *row) { r.EndDatetime = s.when(25) })
	s.amazon.DisableSkill("Alan") // which ends his grant

	unanswered, err := s.deliverAndKill(ctx, 2, events)
	if err != nil {
		return err
	}
	if err := s.startBackend(ctx); err != nil {
		return err
	}
	s.say("          the backend starts again, on the same file")
	return s.deliver(ctx, unanswered...)
}

func (s *stage) erased(ctx context.Context) error {
	s.say("Alan asks to be forgotten: his account is deleted, first where the backend keeps its")
	s.say("accounts and then from the customer table and the grants. Late, his old events arrive.\n")
	if err := s.erase(ctx, "alan"); err != nil {
		return err
	}
	s.say("          the account alan is erased")
	if err := s.pressInVain(ctx, "alan", "OFF"); err != nil {
		return err
	}
	// That this user ID disabled the skill is kept, so that the late events open
	// nothing; and the account that they name is nobody's now.
	s.change("Alan", func(r *row) { r.AccountID, r.StartDatetime = null, null })
	if err := s.checkTable(ctx); err != nil {
		return err
	}
	s.change("Alan", func(r *row) { r.StartDatetime = s.when(46) })
	if err := s.deliver(ctx, s.alanEvents...); err != nil {
		return err
	}
	if err := s.deny(ctx, "Alan", alexaevents.Europe, s.auth.accessToken("Alan", "alan", s.now)); err != nil {
		return err
	}
	s.say("          the backend restarts")
	return s.keepsTable(ctx, func() error {
		if err := s.stopBackend(); err != nil {
			return err
		}
		return s.startBackend(ctx)
	})
}

func (s *stage) showTable(ctx context.Context) error {
	table, err := s.table(ctx)
	if err != nil {
		return err
	}
	fmt.Fprintln(s.out, format(table))
	s.say("Ada was three users in turn, Vincent had two accounts, one of them with Grace. Alan is")
	s.say("gone from his row; Margaret never linked an account. (IDs are shortened here.)")
	return s.checkTable(ctx)
}
