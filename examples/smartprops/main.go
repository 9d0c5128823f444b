// Smartprops raises an alarm when a skill times out in a room of a property with Alexa
// Smart Properties: it subscribes to the failures of the skill in each room, receives
// the events over Amazon SNS, and posts each failure to a webhook.
//
// Without flags the program demonstrates this on a fake Amazon, and exits with 1 if
// something is not as expected:
//
//	go run ./examples/smartprops
//
// With flags it is the server; the arguments are the IDs of the rooms:
//
//	LWA_CLIENT_SECRET=… LWA_REFRESH_TOKEN=… smartprops -client-id … -skill … \
//		-topic arn:aws:sns:… -webhook https://… amzn1.alexa.unit.did.…
//
// The LWA client is registered in the console of Alexa Smart Properties, the refresh
// token has the scope alexa::enterprise:management, and the access policy of the topic
// has the statement of smartprops.TopicPolicyStatement. Subscribe the endpoint /sns to
// the topic first.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"os/signal"
	"slices"
	"strings"
	"time"

	"golang.org/x/oauth2"

	"github.com/alexaevents/alexaevents"
	"github.com/alexaevents/alexaevents/alexatest"
	"github.com/alexaevents/alexaevents/lwa"
	"github.com/alexaevents/alexaevents/smartprops"
	"github.com/alexaevents/alexaevents/sns"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, os.Args[1:], os.Stdout)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "smartprops:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, out io.Writer) error {
	if len(args) == 0 {
		return demonstrate(ctx, out)
	}
	return serve(ctx, args)
}

func serve(ctx context.Context, args []string) error {
	logger := slog.New(slog.NewJSONHandler(os.Stderr, nil))
	login := &lwa.Client{Secret: os.Getenv("LWA_CLIENT_SECRET")}
	refreshToken := alexaevents.Secret(os.Getenv("LWA_REFRESH_TOKEN"))
	p := &property{logger: logger}
	flags := flag.NewFlagSet("smartprops", flag.ContinueOnError)
	listen := flags.String("listen", "localhost:8080", "the `address` to listen on, behind a proxy that terminates TLS")
	flags.StringVar(&login.ID, "client-id", "", "the `ID` of the LWA client")
	flags.StringVar(&p.topicARN, "topic", "", "the `ARN` of the SNS topic")
	flags.StringVar(&p.skillID, "skill", "", "the `ID` of the skill to watch")
	flags.StringVar(&p.webhook, "webhook", "", "the `URL` to post alarms to")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if slices.Contains([]string{login.Secret, string(refreshToken), login.ID, p.topicARN, p.skillID, p.webhook, flags.Arg(0)}, "") {
		return errors.New("LWA_CLIENT_SECRET, LWA_REFRESH_TOKEN, the flags client-id, topic, skill and webhook, and a unit are required")
	}
	// In memory: a refresh token that Amazon replaces is lost with the process. A
	// store on disk keeps it.
	tokens := &lwa.Source{Client: login, Store: new(lwa.MemoryStore), Logger: logger}
	if err := tokens.Import(ctx, lwa.Key{ClientID: login.ID, AccountID: "organization"}, refreshToken); err != nil {
		return err
	}
	p.client = &smartprops.Client{HTTPClient: tokens.HTTPClient("organization")}
	p.verifier = &sns.Verifier{Topics: []string{p.topicARN}, MaxAge: 2 * time.Hour}
	if err := p.subscribe(ctx, flags.Args()); err != nil {
		return err
	}
	server := &http.Server{Addr: *listen, Handler: p.handler(), ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 15 * time.Second}
	context.AfterFunc(ctx, func() { server.Close() })
	if err := server.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// demonstrate runs the server with a fake Amazon and a webhook.
func demonstrate(ctx context.Context, out io.Writer) error {
	cloud := alexatest.NewCloud()
	var posted []string
	webhook := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		posted = append(posted, string(body))
	}))
	defer webhook.Close()
	p := newProperty(ctx, cloud, webhook.URL)
	if err := cloud.Subscribe(p.topicARN, "https://backend.example/sns", p.handler()); err != nil {
		return err
	}
	if err := p.subscribe(ctx, []string{"room-7", "room-8"}); err != nil {
		return err
	}
	for _, room := range []string{"room-7", "room-9"} { // room 9 has no subscription
		fmt.Fprintln(out, "The skill times out in", room)
		cloud.NotifyProperties(alexatest.PropertyEvent{Type: string(smartprops.EventSkillFailure), UnitID: room, SkillID: p.skillID})
	}
	for _, body := range posted {
		fmt.Fprintln(out, "The webhook receives", body)
	}
	if len(posted) != 1 || !strings.Contains(posted[0], "failed in room-7") {
		return fmt.Errorf("unexpected posts to the webhook: %q", posted)
	}
	return nil
}

func newProperty(ctx context.Context, cloud *alexatest.Cloud, webhook string) *property {
	const topicARN = "arn:aws:sns:us-east-1:000011112222:hotel"
	accessToken := cloud.AccessToken(lwa.ScopeEnterpriseManagement)
	return &property{
		client: &smartprops.Client{HTTPClient: oauth2.NewClient(
			context.WithValue(ctx, oauth2.HTTPClient, cloud.Client()),
			oauth2.StaticTokenSource(&oauth2.Token{AccessToken: accessToken}),
		)},
		verifier: &sns.Verifier{Topics: []string{topicARN}, HTTPClient: cloud.Client()},
		logger:   slog.New(slog.DiscardHandler),
		topicARN: topicARN, skillID: "amzn1.ask.skill.concierge", webhook: webhook,
	}
}
