package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/alexaevents/alexaevents/alexatest"
	"github.com/alexaevents/alexaevents/examples/quickstart/backend"
	"github.com/alexaevents/alexaevents/lwa"
	"github.com/alexaevents/alexaevents/sdns"
	"github.com/alexaevents/alexaevents/smartprops"
)

func (s *scenario) notifications(ctx context.Context) error {
	s.printf("The backend confirms two subscriptions to Amazon SNS: skill development notifications")
	s.printf("(SDNS) and events of a hotel (Smart Properties). The developer subscribes the topics to")
	s.printf("the events. SNS delivers with duplicates and out of order.\n")
	for _, topic := range []struct{ arn, path string }{{backend.SkillsTopic, "/sns/skills"}, {backend.HotelTopic, "/sns/hotel"}} {
		if err := s.amazon.Subscribe(topic.arn, s.backend.url+topic.path, nil); err != nil {
			return err
		}
		s.printStep("subscription to the topic "+topicName(topic.arn), "confirmed")
	}
	client, accessToken, err := s.developer(ctx)
	if err != nil {
		return err
	}
	const vendorID = "M1QUICKSTART"
	if err := backend.Subscribe(ctx, client, vendorID); err != nil {
		return err
	}

	certified := alexatest.DevelopmentEvent{
		Name: string(sdns.EventSkillCertification), VendorID: vendorID, SkillID: backend.SkillID, AccessToken: accessToken,
	}
	failed := alexatest.PropertyEvent{Type: string(smartprops.EventSkillFailure), UnitID: "room-7", SkillID: backend.SkillID}
	before := len(s.amazon.Delivered())
	s.amazon.HoldMessages()
	s.amazon.NotifyDevelopers(certified)
	s.amazon.NotifyProperties(failed)
	s.amazon.ReleaseMessages(1)
	var genuine []byte
	for _, d := range s.amazon.Delivered()[before:] {
		what := "message of the topic " + topicName(d.TopicARN)
		if d.Status != http.StatusOK {
			return fmt.Errorf("%s: expected status 200, got %d", what, d.Status)
		}
		if d.TopicARN == backend.SkillsTopic {
			genuine = []byte(d.Message)
		}
		s.printStep(what, "200")
	}
	stored := []string{failed.Type + ": room-7", certified.Name + ": SUCCEEDED"}
	if err := s.checkNotifications(ctx, stored); err != nil {
		return err
	}
	for _, text := range stored {
		s.printf("✓ stored once: %s", text)
	}
	fmt.Fprintln(s.out)
	return s.forgedMessages(ctx, genuine, stored)
}

// forgedMessages expects the backend to refuse forged messages of SNS, and to store
// nothing more.
func (s *scenario) forgedMessages(ctx context.Context, genuine []byte, stored []string) error {
	s.printf("SNS signs the messages of every AWS account. Each of these gets 400:\n")
	url := s.backend.url + "/sns/skills"
	foreign := s.amazon.NewSNSRequest(url, "arn:aws:sns:us-east-1:999999999999:skills", genuine)
	forgeries := []forgery{{"a genuine message of a foreign topic", foreign}}
	for what, request := range s.amazon.SNSForgeries(url, backend.SkillsTopic, genuine) {
		forgeries = append(forgeries, forgery{what, request})
	}
	if err := s.refuse(ctx, forgeries); err != nil {
		return err
	}
	s.list(forgeries)
	if err := s.checkNotifications(ctx, stored); err != nil {
		return err
	}
	s.printf("✓ the stored notifications are unchanged")
	return nil
}

func topicName(arn string) string { return arn[strings.LastIndexByte(arn, ':')+1:] }

// developer returns the HTTP client and the access token of the skill's developer, who
// consents first.
func (s *scenario) developer(ctx context.Context) (client *http.Client, accessToken string, err error) {
	const callback, account = "http://127.0.0.1:9090/cb", "developer"
	login := &lwa.Client{ID: "amzn1.application-oa2-client.developer", Secret: "developer-secret", HTTPClient: s.amazon.Client()}
	consentURL, verifier := login.AuthCodeURL(callback, lwa.ScopeSubscriptions, lwa.ScopeEnterpriseManagement)
	redirected, err := url.Parse(s.amazon.Consent(consentURL, "Jean"))
	if err != nil {
		return nil, "", err
	}
	token, err := login.ExchangeCallback(ctx, callback, verifier, redirected.Query())
	if err != nil {
		return nil, "", err
	}
	tokens := &lwa.Source{Client: login, Store: new(lwa.MemoryStore)}
	err = tokens.Import(ctx, lwa.Key{ClientID: login.ID, AccountID: account}, token.RefreshToken)
	return tokens.HTTPClient(account), string(token.AccessToken), err
}

// checkNotifications expects the backend to have stored exactly these notifications, in
// alphabetical order.
func (s *scenario) checkNotifications(ctx context.Context, want []string) (err error) {
	accounts, err := backend.OpenAccounts(ctx, s.database)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, accounts.Close()) }()
	got, err := accounts.Notifications(ctx)
	if err != nil {
		return err
	}
	if !slices.Equal(got, want) {
		return fmt.Errorf("expected the notifications %q, got %q", want, got)
	}
	return nil
}
