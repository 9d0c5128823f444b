package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/alexaevents/alexaevents"
	"github.com/alexaevents/alexaevents/cmd/alexaevents/internal/account"
	"github.com/alexaevents/alexaevents/lwa"
	"github.com/alexaevents/alexaevents/sdns"
)

// finding is a reason why notifications are missing.
type finding struct {
	Cause string `json:"cause"`
	Text  string `json:"text"`
	Cure  string `json:"cure"`
}

func (f finding) String() string { return f.Cause + ": " + f.Text + "\n  " + f.Cure }

// The causes that a finding can have.
const (
	causeToken        = "expired_token"
	causeScope        = "missing_scope"
	causeAccount      = "wrong_account"
	causeVendor       = "wrong_vendor"
	causeClient       = "wrong_client"
	causeNotApplied   = "not_applied"
	causeNoSubscriber = "no_subscriber"
	causeInactive     = "inactive_subscriber"
	causeRole         = "wrong_role"
	causeTopic        = "wrong_topic_policy"
	causeUnsubscribed = "no_subscription"
	causeEvent        = "not_subscribed"
)

// problems are what sdns.Client.Diagnose proves.
var problems = map[sdns.Problem]finding{
	sdns.NoSubscriber:       {causeNoSubscriber, "the owner has no subscriber with this ID", "ask its owner for the ID, or: alexaevents sdns apply"},
	sdns.SubscriberInactive: {causeInactive, "the subscriber is inactive, since Amazon could not publish to its topic", "compare role and topic with: alexaevents sdns iam; then: alexaevents sdns reactivate"},
	sdns.OtherClient:        {causeClient, "the subscriber was created with a token of another client than the one that changes the skill", "use tokens of one client for both: a developer uses the token that the organization gave them"},
	sdns.NoSubscription:     {causeUnsubscribed, "the subscriber has no subscription to the skills of this vendor", "add one with the vendor ID of the skill's developer: alexaevents sdns apply"},
	sdns.NotSubscribed:      {causeEvent, "no subscription of the vendor has this event", "add the event: alexaevents sdns apply"},
}

// diagnosis is what a person asks about.
type diagnosis struct {
	accountFlags
	policies
	subscriber, vendor, owner, client, event string
}

func (a *app) sdnsDiagnoseCommand() *cobra.Command {
	var d diagnosis
	c := &cobra.Command{
		Use: "diagnose [FILE]", Short: "Find out why notifications are missing", Args: cobra.MaximumNArgs(1),
		Long: `Find out why notifications are missing: for the subscriptions of the file, or for the
subscriber and vendor of the flags. It needs an access token and no client secret, best
the token that changes the skill. The causes:

  expired_token        the access token is expired or revoked
  missing_scope        it does not have the scope alexa::ask:subscriptions
  wrong_account        its user has a role in none of the vendors
  wrong_vendor         its user has no role in one of the vendors
  wrong_client         the subscriber is of another client than the token
  not_applied          Amazon does not have what the file says
  no_subscriber        the owner has no such subscriber
  inactive_subscriber  Amazon could not publish to the topic
  wrong_role           the role does not let Amazon publish
  wrong_topic_policy   the policy of the topic does not let the role publish
  no_subscription      nothing of this vendor is subscribed
  not_subscribed       the event is not subscribed

Amazon shows no policies of AWS. To have them checked, give files with what the AWS CLI
prints. Only the owner of a subscriber can read its status.

The exit code is 1 if there is a cause.`,
		Example: `  alexaevents sdns diagnose
  alexaevents sdns diagnose --access-token @dana.token --subscriber amzn1.ask-subscriber.example --vendor M2DANA
  aws iam get-role --role-name SkillNotifications > role.json
  alexaevents sdns diagnose --trust-policy role.json`,
		RunE: func(c *cobra.Command, args []string) error { return a.diagnose(c, args, d) },
	}
	d.add(c)
	f := c.Flags()
	f.StringVar(&d.subscriber, "subscriber", "", "`ID` of the subscriber, in place of a file")
	f.StringVar(&d.vendor, "vendor", "", "`ID` of the vendor of the skill")
	f.StringVar(&d.owner, "owner", "", "vendor `ID` of the subscriber's owner, if the token is the owner's")
	f.StringVar(&d.event, "event", "", "`name` of the missing event, such as AlexaDevelopmentEvent.SkillPublish")
	f.StringVar(&d.client, "client-id", "", "`ID` of the client whose token changes the skill (default that of the token)")
	f.StringVar(&d.trust, "trust-policy", "", "`file` with the role's trust policy, or the output of aws iam get-role")
	f.StringVar(&d.permission, "role-policy", "", "`file` with the role's policy, or the output of aws iam get-role-policy")
	f.StringVar(&d.topic, "topic-policy", "", "`file` with the topic's policy, or the output of aws sns get-topic-attributes")
	c.MarkFlagsRequiredTogether("subscriber", "vendor")
	return c
}

func (a *app) diagnose(c *cobra.Command, args []string, d diagnosis) error {
	ctx := c.Context()
	var file *sdnsFile
	vendors := []string{d.vendor}
	switch {
	case d.subscriber == "":
		var err error
		if file, err = readSDNS(c, args); err != nil {
			return err
		}
		vendors = file.vendors()
	case len(args) > 0:
		return usage("a file or --subscriber, not both")
	case d.owner != "":
		vendors = append(vendors, d.owner)
	}
	api, err := a.apiClient(c, d.accountFlags, lwa.ScopeSubscriptions)
	if err != nil {
		return err
	}
	client := &sdns.Client{HTTPClient: api}
	source, err := a.source(c, d.accountFlags)
	if err != nil {
		return err
	}
	info, found, err := accountFindings(ctx, source, vendors)
	if err != nil {
		return apiError(err)
	}
	if len(found) == 0 {
		if d.client == "" {
			d.client = info.ClientID
		}
		if file != nil {
			found, err = a.diagnoseFile(ctx, client, file, d)
		} else {
			found, err = a.diagnoseOne(ctx, client, d)
		}
		if err != nil {
			return apiError(err)
		}
	}
	for i, f := range found {
		if slices.Index(found, f) < i {
			continue // the same subscriber, of another subscription
		}
		if err := a.print(f, f.String()); err != nil {
			return err
		}
	}
	if len(found) > 0 {
		return &exitError{exitFailed, fmt.Sprintf("causes found: %d", len(found)), ""}
	}
	a.note("No cause is proven.")
	return nil
}

// diagnoseOne diagnoses the subscriber of the flags.
func (a *app) diagnoseOne(ctx context.Context, client *sdns.Client, d diagnosis) ([]finding, error) {
	found, advice, err := question(ctx, client, d.subscriber, "vendor "+d.vendor, sdns.Question{
		SubscriberID: d.subscriber, VendorID: d.vendor, OwnerID: d.owner, Event: sdns.EventName(d.event), ClientID: d.client,
	})
	a.advise(advice)
	if err != nil || d.owner == "" || slices.ContainsFunc(found, func(f finding) bool { return f.Cause == causeNoSubscriber }) {
		return found, err
	}
	subscriber, err := client.Subscriber(ctx, d.subscriber)
	if err != nil {
		return nil, err
	}
	wrong, err := d.policies.check(d.owner, subscriber.TopicARN, subscriber.RoleARN)
	return append(found, wrong...), err
}

// diagnoseFile diagnoses each subscription of the file.
func (a *app) diagnoseFile(ctx context.Context, client *sdns.Client, file *sdnsFile, d diagnosis) (found []finding, err error) {
	plan, err := file.plan(ctx, client)
	if err != nil {
		return nil, err
	}
	var advice []string
	for _, step := range plan.steps {
		if step.Action != stepNone {
			found = append(found, finding{causeNotApplied, strings.ReplaceAll(step.String(), "\n ", ""), "alexaevents sdns apply"})
		}
		if step.Kind == "subscriber" || step.ID == "" {
			continue
		}
		q := sdns.Question{SubscriberID: step.subscription.SubscriberID, VendorID: step.Vendor, Event: sdns.EventName(d.event), ClientID: d.client}
		subscriber := q.SubscriberID
		if step.of != nil {
			q.OwnerID, subscriber = step.of.Vendor, fmt.Sprintf("%q", step.of.Name)
		}
		more, other, err := question(ctx, client, subscriber, fmt.Sprintf("subscription %q", step.Name), q)
		if err != nil {
			return nil, err
		}
		found, advice = append(found, more...), append(advice, other...)
	}
	a.advise(advice)
	for _, s := range file.Subscribers {
		wrong, err := d.policies.check(s.Vendor, s.Topic, s.Role)
		if err != nil {
			return nil, err
		}
		found = append(found, wrong...)
	}
	return found, nil
}

// question asks Amazon. It also returns what cannot be checked.
func question(ctx context.Context, client *sdns.Client, subscriber, subscription string, q sdns.Question) (found []finding, advice []string, err error) {
	result, err := client.Diagnose(ctx, q)
	if err != nil {
		return nil, nil, err
	}
	for _, problem := range result.Problems {
		f, known := problems[problem]
		if !known {
			f = finding{Cause: "other", Text: string(problem)}
		}
		at := subscription
		if f.Cause == causeNoSubscriber || f.Cause == causeInactive || f.Cause == causeClient {
			at = "subscriber " + subscriber
		}
		f.Text = at + ": " + f.Text
		found = append(found, f)
	}
	return found, result.Advice, nil
}

// advise prints each advice once, in the terms of the command.
func (a *app) advise(advice []string) {
	words := strings.NewReplacer("TrustPolicy", "alexaevents sdns iam", "PermissionPolicy", "alexaevents sdns iam")
	for i, text := range advice {
		if slices.Index(advice, text) == i {
			a.note("check: %s", words.Replace(text))
		}
	}
}

// accountFindings says what is wrong with the access token and the roles of its user.
func accountFindings(ctx context.Context, source *account.Source, vendors []string) (lwa.TokenInfo, []finding, error) {
	info, err := tokenInfo(ctx, source)
	if failure, ok := errors.AsType[*lwa.Error](err); ok && failure.Code == "invalid_token" {
		return info, []finding{{causeToken, "the access token is expired or revoked", "get a new one: alexaevents login token, or from whom gave it to you"}}, nil
	}
	if err != nil {
		return info, nil, err
	}
	client := &sdns.Client{HTTPClient: source.Client("")}
	list, err := client.Vendors(ctx)
	if err != nil && !isRefusal(err) {
		return info, nil, err
	}
	var own []string
	for _, vendor := range list {
		own = append(own, vendor.ID)
	}
	vendors = slices.Compact(slices.Sorted(slices.Values(vendors)))
	probes := vendors // if the vendors of the user are not known
	if err == nil {
		probes = own[:min(len(own), 1)]
	}
	var refused []string
	for _, vendor := range probes {
		_, err := collect(client.Subscribers(ctx, vendor))
		switch {
		case errors.Is(err, alexaevents.ErrUnauthorized), isRefusal(err) && slices.Contains(own, vendor):
			return info, []finding{{
				causeScope, "the access token is valid, but does not have the scope " + lwa.ScopeSubscriptions,
				"get one with it: alexaevents login --scope " + lwa.ScopeSubscriptions,
			}}, nil
		case isRefusal(err):
			refused = append(refused, vendor)
		case err != nil:
			return info, nil, err
		}
	}
	if len(list) == 0 && len(refused) < len(vendors) { // Amazon does not document the scope that the list of vendors needs
		own = slices.DeleteFunc(slices.Clone(probes), func(vendor string) bool { return slices.Contains(refused, vendor) })
	}
	return info, roleFindings(info.UserID, own, vendors), nil
}

// isRefusal reports whether Amazon refused the token: the status for a missing scope is
// not documented.
func isRefusal(err error) bool {
	return errors.Is(err, alexaevents.ErrUnauthorized) || errors.Is(err, alexaevents.ErrForbidden)
}

// roleFindings says in which of the vendors the user has no role.
func roleFindings(user string, own, vendors []string) (found []finding) {
	roles := "none"
	if len(own) > 0 {
		roles = strings.Join(own, ", ")
	}
	var others []string
	for _, vendor := range vendors {
		if !slices.Contains(own, vendor) {
			others = append(others, vendor)
		}
	}
	if len(others) > 0 && len(others) == len(vendors) {
		return []finding{{
			causeAccount, fmt.Sprintf("the token is of the user %s, who has no role in the vendor %s; their vendors: %s", user, strings.Join(others, ", "), roles),
			"log in as a person with a role there, or correct the vendor ID",
		}}
	}
	for _, vendor := range others {
		found = append(found, finding{
			causeVendor, fmt.Sprintf("the user %s has no role in the vendor %s; their vendors: %s", user, vendor, roles),
			"correct the vendor ID, or let the vendor associate this account with theirs",
		})
	}
	return found
}
