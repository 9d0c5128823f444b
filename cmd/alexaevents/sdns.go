package main

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/alexaevents/alexaevents/cmd/alexaevents/internal/account"
	"github.com/alexaevents/alexaevents/lwa"
	"github.com/alexaevents/alexaevents/sdns"
)

func (a *app) sdnsCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "sdns", Short: "Set up notifications about skill development",
		Long: `Set up the notifications of Amazon's Skill Development Notifications Service (SDNS) from
one file, by default sdns.yaml:

` + indent(sdnsExample) + `
A developer for their own skills:
  1. Write sdns.yaml with your vendor ID ("whoami" lists it), topic and role.
  2. Make topic and role in AWS from what "sdns iam" prints.
  3. alexaevents login --client-id ID, then alexaevents sdns apply.
  4. Change skills with a token of the same client: alexaevents login token.

An organization for the skills of its developers:
  1. As above, with the organization's vendor ID for subscriber and role.
  2. Send each developer a link: alexaevents login invite NAME --redirect URL; and take
     what comes back: alexaevents login accept.
  3. Add a subscription with the developer's vendor ID, which must be associated with
     your account: alexaevents whoami. Then alexaevents sdns apply.
  4. Give each developer their token, each hour: alexaevents login token --profile NAME.

A developer of an organization, for the organization's topic:
  1. Write sdns.yaml with a subscription alone, and with the subscriber ID that the
     organization gave you:

       subscriptions:
         - name: My skills
           vendor: M2DANA
           subscriber: amzn1.ask-subscriber.example
           events: [AlexaDevelopmentEvent.All]

  2. alexaevents sdns apply --access-token @FILE, with the token that the organization
     gave you. Change skills with that token, and not in the developer console.

If notifications are missing: alexaevents sdns diagnose.

These commands were tested with the cloud, never with Amazon itself.`,
		Example: "  alexaevents sdns plan\n  alexaevents sdns apply sdns.yaml --profile work",
	}
	c.AddCommand(a.sdnsPlanCommand(), a.sdnsApplyCommand(), a.sdnsCheckCommand(), a.sdnsReactivateCommand(), a.sdnsIAMCommand(), a.sdnsDiagnoseCommand())
	return c
}

func indent(text string) string {
	return "  " + strings.ReplaceAll(strings.TrimSuffix(text, "\n"), "\n", "\n  ") + "\n"
}

// collect returns the elements of a list up to the first error.
func collect[T any](list iter.Seq2[T, error]) (all []T, err error) {
	for element, err := range list {
		if err != nil {
			return nil, err
		}
		all = append(all, element)
	}
	return all, nil
}

// sdnsSession is the file and the plan of one command.
type sdnsSession struct {
	app    *app
	source func() (*account.Source, error) // of the account
	file   *sdnsFile
	client *sdns.Client
	plan   *sdnsPlan
}

// sdnsSession reads the file and compares it with what Amazon has.
func (a *app) sdnsSession(c *cobra.Command, args []string, flags accountFlags) (*sdnsSession, error) {
	file, err := readSDNS(c, args)
	if err != nil {
		return nil, err
	}
	api, err := a.apiClient(c, flags, lwa.ScopeSubscriptions)
	if err != nil {
		return nil, err
	}
	s := &sdnsSession{
		app: a, source: func() (*account.Source, error) { return a.source(c, flags) },
		file: file, client: &sdns.Client{HTTPClient: api},
	}
	if s.plan, err = file.plan(c.Context(), s.client); err != nil {
		return nil, s.explain(c.Context(), err)
	}
	for _, s := range file.Subscribers {
		if isFIFO(s.Topic) {
			a.note("warning: subscriber %q: a FIFO topic needs a message group, which Amazon is not known to give: use a standard topic", s.Name)
		}
		if awsAccount(s.Topic) != awsAccount(s.Role) {
			a.note("warning: subscriber %q: topic and role are in different AWS accounts; then the policy of the topic must allow the role", s.Name)
		}
	}
	for _, text := range s.plan.other {
		a.note("not in the file, stays as it is: %s", text)
	}
	return s, nil
}

// explain adds to a refusal the cause that the account shows.
func (s *sdnsSession) explain(ctx context.Context, err error) error {
	if !isRefusal(err) {
		return apiError(err)
	}
	source, otherErr := s.source()
	if otherErr != nil {
		return apiError(err)
	}
	_, found, otherErr := accountFindings(ctx, source, s.file.vendors())
	if must, ok := errors.AsType[*account.LoginError](otherErr); ok {
		return apiError(must)
	}
	if len(found) == 0 {
		return apiError(err)
	}
	return &exitError{exitRefused, err.Error() + "\n  " + found[0].Cause + ": " + found[0].Text, found[0].Cure}
}

// vendors returns the vendor IDs in the file.
func (f *sdnsFile) vendors() (all []string) {
	for _, s := range f.Subscribers {
		all = append(all, s.Vendor)
		for _, w := range s.Subscriptions {
			all = append(all, w.Vendor)
		}
	}
	for _, w := range f.Subscriptions {
		all = append(all, w.Vendor)
	}
	return all
}

func (a *app) sdnsPlanCommand() *cobra.Command {
	var flags accountFlags
	c := &cobra.Command{
		Use: "plan [FILE]", Short: "Show what apply would do", Args: cobra.MaximumNArgs(1),
		Example: "  alexaevents sdns plan\n  alexaevents sdns plan sdns.yaml --json",
		RunE: func(c *cobra.Command, args []string) error {
			s, err := a.sdnsSession(c, args, flags)
			if err != nil {
				return err
			}
			return s.print()
		},
	}
	flags.add(c)
	return c
}

// print prints the changes of the plan; with --json also what stays.
func (s *sdnsSession) print() error {
	for _, step := range s.plan.steps {
		if step.Action == stepNone && !s.app.json {
			continue
		}
		if err := s.app.print(step, step.String()); err != nil {
			return err
		}
	}
	if s.plan.changes() == 0 && !s.app.json {
		return s.app.print(nil, "no change")
	}
	return nil
}

func (a *app) sdnsApplyCommand() *cobra.Command {
	var flags accountFlags
	var wait time.Duration
	c := &cobra.Command{
		Use: "apply [FILE]", Short: "Create and update subscribers and subscriptions", Args: cobra.MaximumNArgs(1),
		Long: `Create and update subscribers and subscriptions, so that Amazon has what the file says.
It deletes nothing. A subscriber is found by topic and name, and a subscription by name.
A second apply finds no change.

Amazon publishes {} to the topic of a new subscriber; your endpoint receives it. If Amazon
cannot publish, it makes the subscriber inactive. So apply reads the status until --wait
is over, and fails with exit code 1 if a subscriber is inactive.`,
		Example: "  alexaevents sdns apply\n  alexaevents sdns apply sdns.yaml --access-token @dana.token",
		RunE: func(c *cobra.Command, args []string) error {
			s, err := a.sdnsSession(c, args, flags)
			if err != nil {
				return err
			}
			if s.plan.changes() == 0 {
				if err := s.print(); err != nil {
					return err
				}
				return s.requireActive(c.Context(), 0)
			}
			changed := false
			for _, step := range s.plan.steps {
				if err := step.apply(c.Context(), s.client); err != nil {
					return s.explain(c.Context(), fmt.Errorf("%s %s %q: %w", step.Action, step.Kind, step.Name, err))
				}
				changed = changed || step.Kind == "subscriber" && step.Action != stepNone
				if step.Action == stepNone && !a.json {
					continue
				}
				if err := a.print(step, step.String()); err != nil {
					return err
				}
			}
			if !changed {
				wait = 0
			}
			return s.requireActive(c.Context(), wait)
		},
	}
	flags.add(c)
	addWait(c, &wait)
	return c
}

func addWait(c *cobra.Command, wait *time.Duration) {
	c.Flags().DurationVar(wait, "wait", 5*time.Second, "how long to watch the status of changed subscribers")
}

// requireActive reads the status of the subscribers of the file until the time is over.
// It fails if one is inactive.
func (s *sdnsSession) requireActive(ctx context.Context, wait time.Duration) error {
	if len(s.file.Subscribers) == 0 {
		return nil
	}
	for end := time.Now().Add(wait); ; {
		if err := s.readStatus(ctx); err != nil {
			return s.explain(ctx, err)
		}
		var inactive []string
		for _, step := range s.plan.steps {
			if step.Status == string(sdns.Inactive) {
				inactive = append(inactive, fmt.Sprintf("%q (%s)", step.Name, step.ID))
			}
		}
		if len(inactive) > 0 {
			return &exitError{
				exitFailed, "inactive, since Amazon could not publish to the topic: " + strings.Join(inactive, ", "),
				"compare topic policy and role with: alexaevents sdns iam; then: alexaevents sdns reactivate",
			}
		}
		left := time.Until(end)
		if left <= 0 {
			break
		}
		select {
		case <-time.After(min(left, time.Second)):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	for _, step := range s.plan.steps {
		if step.Kind != "subscriber" {
			continue
		}
		line := map[string]string{"kind": step.Kind, "name": step.Name, "id": step.ID, "status": step.Status}
		if err := s.app.print(line, fmt.Sprintf("subscriber %q: %s", step.Name, strings.ToLower(step.Status))); err != nil {
			return err
		}
	}
	return nil
}

// readStatus sets the status of the subscribers of the plan.
func (s *sdnsSession) readStatus(ctx context.Context) error {
	status := make(map[string]string)
	vendors := make(map[string]bool)
	for _, subscriber := range s.file.Subscribers {
		if vendors[subscriber.Vendor] {
			continue
		}
		vendors[subscriber.Vendor] = true
		for found, err := range s.client.Subscribers(ctx, subscriber.Vendor) {
			if err != nil {
				return err
			}
			status[found.ID] = string(found.Status)
		}
	}
	for _, step := range s.plan.steps {
		if step.Kind == "subscriber" {
			step.Status = status[step.ID]
		}
	}
	return nil
}

func (a *app) sdnsCheckCommand() *cobra.Command {
	var flags accountFlags
	c := &cobra.Command{
		Use: "check [FILE]", Short: "Fail if Amazon does not have what the file says", Args: cobra.MaximumNArgs(1),
		Long: `Fail with exit code 1 if Amazon does not have what the file says, or a subscriber is
inactive, or was created with a token of another client. It changes nothing.`,
		Example: "  alexaevents sdns check",
		RunE: func(c *cobra.Command, args []string) error {
			s, err := a.sdnsSession(c, args, flags)
			if err != nil {
				return err
			}
			if err := s.print(); err != nil {
				return err
			}
			if n := s.plan.changes(); n > 0 {
				return &exitError{exitFailed, fmt.Sprintf("Amazon does not have what the file says: %d changes", n), "alexaevents sdns apply"}
			}
			if err := s.requireOwnClient(c.Context()); err != nil {
				return err
			}
			return s.requireActive(c.Context(), 0)
		},
	}
	flags.add(c)
	return c
}

// requireOwnClient fails if a subscriber was created with a token of another client.
func (s *sdnsSession) requireOwnClient(ctx context.Context) error {
	source, err := s.source()
	if err != nil {
		return err
	}
	info, err := tokenInfo(ctx, source)
	if err != nil {
		return apiError(err)
	}
	for _, step := range s.plan.steps {
		if other := step.subscriber.ClientID; other != "" && other != info.ClientID {
			return &exitError{
				exitFailed, fmt.Sprintf("subscriber %q was created with a token of the client %s, and this token is of %s", step.Name, other, info.ClientID),
				"use tokens of one client to set up notifications and to change skills",
			}
		}
	}
	return nil
}

func (a *app) sdnsReactivateCommand() *cobra.Command {
	var flags accountFlags
	var wait time.Duration
	c := &cobra.Command{
		Use: "reactivate [FILE]", Short: "Make inactive subscribers active", Args: cobra.MaximumNArgs(1),
		Long: `Make the inactive subscribers of the file active, with an update that changes nothing, as
Amazon documents it. First fix what kept Amazon from publishing: the role, or the topic.`,
		Example: "  alexaevents sdns reactivate",
		RunE: func(c *cobra.Command, args []string) error {
			s, err := a.sdnsSession(c, args, flags)
			if err != nil {
				return err
			}
			count := 0
			for _, step := range s.plan.steps {
				if step.Status != string(sdns.Inactive) {
					continue
				}
				if err := s.client.Reactivate(c.Context(), step.ID); err != nil {
					return s.explain(c.Context(), fmt.Errorf("subscriber %q: %w", step.Name, err))
				}
				count++
				line := map[string]string{"action": "reactivate", "kind": step.Kind, "name": step.Name, "id": step.ID}
				if err := a.print(line, fmt.Sprintf("reactivate subscriber %q (%s)", step.Name, step.ID)); err != nil {
					return err
				}
			}
			if count == 0 {
				if !a.json {
					return a.print(nil, "no change")
				}
				return nil
			}
			return s.requireActive(c.Context(), wait)
		},
	}
	flags.add(c)
	addWait(c, &wait)
	return c
}
