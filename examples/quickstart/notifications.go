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

// The chapter of what Amazon tells those who made the skill.

func (s *stage) newsArrives(ctx context.Context) error {
	s.say("Two topics of Amazon SNS bring other news: what became of work on the skill, and what")
	s.say("happens in a hotel. The backend confirms that it wants them, the developer subscribes to")
	s.say("the events, and SNS delivers them: at least once, in any order.\n")
	for _, topic := range []struct{ arn, path string }{{backend.SkillsTopic, "/sns/skills"}, {backend.HotelTopic, "/sns/hotel"}} {
		if err := s.amazon.Subscribe(topic.arn, s.backend.url+topic.path, nil); err != nil {
			return err
		}
		s.say("          %-34s → confirmed", "the topic "+nameOf(topic.arn))
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
		if d.Status != http.StatusOK {
			return fmt.Errorf("a message of the topic %s: expected the answer 200, got %d", nameOf(d.TopicARN), d.Status)
		}
		if d.TopicARN == backend.SkillsTopic {
			genuine = []byte(d.Message)
		}
		s.say("          %-34s → 200", "a message of the topic "+nameOf(d.TopicARN))
	}
	news := []string{failed.Type + ": room-7", certified.Name + ": SUCCEEDED"}
	if err := s.checkNews(ctx, news); err != nil {
		return err
	}
	for _, text := range news {
		s.say("✓ stored once: %s", text)
	}
	fmt.Fprintln(s.out)
	return s.newsIsForged(ctx, genuine, news)
}

// newsIsForged expects the backend to store nothing of what it is told now.
func (s *stage) newsIsForged(ctx context.Context, genuine []byte, news []string) error {
	s.say("SNS signs for everybody's topics alike. What Mallory tries is refused, each with 400:\n")
	url := s.backend.url + "/sns/skills"
	foreign := s.amazon.NewSNSRequest(url, "arn:aws:sns:us-east-1:999999999999:skills", genuine)
	forgeries := []forgery{{"a genuine message of Mallory's own topic", foreign}}
	for what, request := range s.amazon.SNSForgeries(url, backend.SkillsTopic, genuine) {
		forgeries = append(forgeries, forgery{what, request})
	}
	if err := s.refuse(ctx, forgeries); err != nil {
		return err
	}
	s.list(forgeries)
	if err := s.checkNews(ctx, news); err != nil {
		return err
	}
	s.say("✓ the news is what it was")
	return nil
}

func nameOf(topicARN string) string { return topicARN[strings.LastIndexByte(topicARN, ':')+1:] }

// developer returns what the developer of the skill works with, once they have
// consented to that.
func (s *stage) developer(ctx context.Context) (client *http.Client, accessToken string, err error) {
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

// checkNews expects the backend to have stored this news, in alphabetical order,
// and no other.
func (s *stage) checkNews(ctx context.Context, want []string) (err error) {
	accounts, err := backend.OpenAccounts(ctx, s.file)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, accounts.Close()) }()
	got, err := accounts.News(ctx)
	if err != nil {
		return err
	}
	if !slices.Equal(got, want) {
		return fmt.Errorf("the news should be %q and is %q", want, got)
	}
	return nil
}
