package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"strings"

	"github.com/alexaevents/alexaevents/alexatest"
	"github.com/alexaevents/alexaevents/lwa"
	"github.com/alexaevents/alexaevents/sdns"
	"github.com/alexaevents/alexaevents/sns"
)

// demonstrate runs the server with a fake Amazon, a webhook and two browsers.
func demonstrate(ctx context.Context, out io.Writer) error {
	cloud := alexatest.NewCloud()
	cloud.AddVendor("M1ORGANIZATION", "manager")
	cloud.AddVendor("M2DEVELOPER", "developer")
	var posted []string
	webhook := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		posted = append(posted, string(body))
	}))
	defer webhook.Close()

	const topicARN = "arn:aws:sns:us-east-1:000011112222:skills"
	login := &lwa.Client{ID: "amzn1.application-oa2-client.organization", Secret: "secret", HTTPClient: cloud.Client()}
	o := &organization{
		tokens:   &lwa.Source{Client: login, Store: new(lwa.MemoryStore)},
		verifier: &sns.Verifier{Topics: []string{topicARN}, HTTPClient: cloud.Client()},
		logger:   slog.New(slog.DiscardHandler),
		vendorID: "M1ORGANIZATION", topicARN: topicARN, roleARN: "arn:aws:iam::000011112222:role/SkillNotifications",
		webhook: webhook.URL,
	}
	server := httptest.NewServer(o.handler())
	defer server.Close()
	o.url = server.URL
	if err := cloud.Subscribe(topicARN, server.URL+"/sns", nil); err != nil {
		return err
	}

	var accessToken string
	for _, user := range []string{"manager", "developer"} {
		browser := newBrowser(cloud, server.URL)
		page, err := browser.consents(ctx, user)
		if err != nil {
			return err
		}
		fmt.Fprintf(out, "The %s consents.\n%s", user, page)
		if accessToken, err = browser.get(ctx, server.URL+"/token"); err != nil {
			return err
		}
	}

	cloud.NotifyDevelopers(alexatest.DevelopmentEvent{
		Name: string(sdns.EventSkillCertification), VendorID: "M2DEVELOPER", SkillID: "amzn1.ask.skill.theirs",
		AccessToken: accessToken, Status: string(sdns.Failed),
	})
	for _, body := range posted {
		fmt.Fprintln(out, "The webhook receives", body)
	}
	if len(posted) != 1 || !strings.Contains(posted[0], "Certification of amzn1.ask.skill.theirs of M2DEVELOPER: FAILED") {
		return fmt.Errorf("unexpected posts to the webhook: %q", posted)
	}
	return nil
}

// browser is the browser of a person with an Amazon account.
type browser struct {
	cloud  *alexatest.Cloud
	url    string // of the server
	client *http.Client
}

func newBrowser(cloud *alexatest.Cloud, url string) *browser {
	jar, _ := cookiejar.New(nil) // never fails
	return &browser{cloud, url, &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
}

// consents follows the link and consents, and returns the page that ends it.
func (b *browser) consents(ctx context.Context, user string) (page string, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, b.url+"/consent", nil)
	if err != nil {
		return "", err
	}
	response, err := b.client.Do(request)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	return b.get(ctx, b.cloud.Consent(response.Header.Get("Location"), user))
}

func (b *browser) get(ctx context.Context, url string) (page string, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return "", err
	}
	response, err := b.client.Do(request)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s", response.Status, body)
	}
	return string(body), err
}
