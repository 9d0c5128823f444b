package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/alexaevents/alexaevents"
	"github.com/alexaevents/alexaevents/cmd/alexaevents/internal/account"
	"github.com/alexaevents/alexaevents/cmd/alexaevents/internal/cloud"
	"github.com/alexaevents/alexaevents/lwa"
)

// defaultScopes are those of skill development notifications: to set them up, and to
// change skills with a token of the same client, which Amazon requires.
var defaultScopes = []string{lwa.ScopeSubscriptions, lwa.ScopeSkillsReadWrite}

const (
	defaultRedirect = "http://127.0.0.1:9090/cb" // that of the ASK CLI
	secretVariable  = "ALEXAEVENTS_CLIENT_SECRET"
	loginTime       = 10 * time.Minute
)

func (a *app) loginCommand() *cobra.Command {
	var login login
	c := &cobra.Command{
		Use: "login", Short: "Log in with Amazon as a developer", Args: cobra.NoArgs,
		Long: `Log in with Amazon as a developer. The command prints the URL of Amazon's page of
consent and opens it in a browser if there is one. After the consent Amazon redirects the
browser to this machine. The tokens are kept in a file that only you can read, and
refreshed when needed.

The client is that of a security profile of Login with Amazon. Its allowed return URLs
must have the URL of --redirect. The client secret comes from @FILE, the variable
` + secretVariable + `, or standard input. A client without a secret (--public)
uses PKCE alone; Amazon documents that it gets no refresh token, so that the login ends
after an hour.

Commands that call Amazon's APIs call Amazon, unless --cloud or ALEXAEVENTS_CLOUD names a
cloud. Each cloud has its own profiles. With a cloud, give --customer each time: without
it, the URL leads an ordinary browser to the real Amazon, and the command waits for ten
minutes. The login was tested with the cloud, never with Amazon itself.`,
		Example: `  alexaevents login --client-id amzn1.application-oa2-client.example --client-secret @secret.txt
  alexaevents login --profile work --scope alexa::enterprise:management --no-browser
  alexaevents login --cloud http://127.0.0.1:4160 --client-id test --public --customer amzn1.account.DEVELOPER`,
		RunE: func(c *cobra.Command, _ []string) error { return a.login(c, login) },
	}
	f := c.Flags()
	addProfile(c, &login.profile, "`name` of the profile")
	f.StringVar(&login.clientID, "client-id", "", "client `ID` (default that of the profile)")
	f.StringVar(&login.clientSecret, "client-secret", "", "`@FILE` with the client secret")
	f.BoolVar(&login.public, "public", false, "the client has no secret")
	f.StringArrayVar(&login.scopes, "scope", nil, "`scope` to consent to beside those of the profile; repeat it for several (default "+strings.Join(defaultScopes, " ")+")")
	f.StringVar(&login.redirect, "redirect", defaultRedirect, "redirect `URL` on this machine; port 0 is a free one")
	f.BoolVar(&login.noBrowser, "no-browser", false, "open no browser")
	f.StringVar(&login.customer, "customer", "", "with a cloud: the `user` who consents at once")
	c.MarkFlagsMutuallyExclusive("public", "client-secret")
	c.AddCommand(a.inviteCommand(), a.acceptCommand(), a.tokenCommand())
	return c
}

// login is the flags of the command.
type login struct {
	profile, clientID, clientSecret, redirect, customer string
	scopes                                              []string
	public, noBrowser                                   bool
}

func (a *app) login(c *cobra.Command, l login) error {
	if l.customer != "" && !onCloud(c) {
		return usage("--customer: only the people of a cloud consent at once: --cloud URL")
	}
	store, err := profiles(c)
	if err != nil {
		return err
	}
	p, err := a.loginProfile(c, store, l)
	if err != nil {
		return err
	}
	base, err := a.amazon(c)
	if err != nil {
		return err
	}
	client := p.Client()
	client.HTTPClient = base
	redirect, err := parseRedirect(l.redirect)
	if err != nil {
		return err
	}
	var listener net.Listener // nil if the person is one of the cloud
	if l.customer == "" {
		if listener, err = listenRedirect(c.Context(), redirect); err != nil {
			return err
		}
	}
	scopes := p.Scopes
	for _, scope := range l.scopes {
		if !slices.Contains(scopes, scope) {
			scopes = append(scopes, scope)
		}
	}
	if len(scopes) == 0 {
		scopes = defaultScopes
	}
	consentURL, verifier := client.AuthCodeURL(redirect.String(), scopes...)
	if err := a.print(map[string]string{"consent_url": consentURL}, consentURL); err != nil {
		return err
	}
	exchange := func(callback url.Values) error {
		now := time.Now()
		token, err := client.ExchangeCallback(c.Context(), redirect.String(), verifier, callback)
		if err == nil {
			p.Accept(token, scopes, now)
		}
		return err
	}
	if listener == nil {
		err = a.consent(c.Context(), consentURL, l.customer, exchange)
	} else {
		if l.noBrowser || onCloud(c) || openBrowser(consentURL) != nil {
			a.note("Open the URL in a browser on this machine.")
		}
		err = receiveRedirect(c.Context(), listener, redirect.Path, exchange)
	}
	if err != nil {
		return apiError(err)
	}
	return a.saveLogin(store, l.profile, p)
}

// loginProfile returns the profile to log in to, with its client.
func (a *app) loginProfile(c *cobra.Command, store *account.Store, l login) (p account.Profile, err error) {
	p, err = store.Profile(l.profile)
	switch {
	case err == nil:
	case !errors.Is(err, account.ErrNoProfile):
		return p, apiError(err)
	case l.clientID == "":
		return p, usage("profile %q is new: name the client: --client-id", l.profile)
	}
	same := l.clientID == "" || l.clientID == p.ClientID
	if !same {
		p = account.Profile{ClientID: l.clientID} // with a client of its own, it has no other consent
	}
	switch {
	case l.public:
		p.ClientSecret = ""
	case same && l.clientSecret == "" && os.Getenv(secretVariable) == "":
	default:
		if p.ClientSecret, err = a.clientSecret(c, l.clientSecret); err != nil {
			return p, err
		}
	}
	return p, nil
}

// clientSecret returns the client secret from the flag, the environment or standard
// input.
func (a *app) clientSecret(c *cobra.Command, flag string) (alexaevents.Secret, error) {
	if flag != "" {
		return secretFile("--client-secret", flag)
	}
	text := os.Getenv(secretVariable)
	if text == "" {
		var err error
		if text, err = a.ask(c, "Client secret (not shown): "); err != nil {
			return "", err
		}
	}
	if text == "" {
		return "", usage("the client secret is missing: --client-secret @FILE, the variable %s or standard input; a client without one: --public", secretVariable)
	}
	return alexaevents.Secret(text), nil
}

// ask reads a secret line of standard input, which a terminal does not show.
func (a *app) ask(c *cobra.Command, prompt string) (string, error) {
	if in, ok := c.InOrStdin().(*os.File); ok && term.IsTerminal(int(in.Fd())) {
		fmt.Fprint(a.err, prompt)
		shown, err := term.GetState(int(in.Fd()))
		if err != nil {
			return "", failed(err)
		}
		line, err := await(c.Context(), func() ([]byte, error) { return term.ReadPassword(int(in.Fd())) })
		if c.Context().Err() != nil {
			_ = term.Restore(int(in.Fd()), shown) // else nothing that is typed is shown from now on
		}
		fmt.Fprintln(a.err)
		if err != nil {
			return "", failed(err)
		}
		return strings.TrimSpace(string(line)), nil
	}
	line, err := await(c.Context(), func() (string, error) { return bufio.NewReader(c.InOrStdin()).ReadString('\n') })
	if err != nil && !errors.Is(err, io.EOF) {
		return "", failed(err)
	}
	return strings.TrimSpace(line), nil
}

// saveLogin keeps the profile and prints it.
func (a *app) saveLogin(store *account.Store, name string, p account.Profile) error {
	if err := store.Save(name, p); err != nil {
		return failed(err)
	}
	if p.RefreshToken == "" {
		a.note("The client got no refresh token: this login ends at %s.", p.Expiry.Local().Format(time.TimeOnly))
	}
	line := struct {
		Profile  string   `json:"profile"`
		ClientID string   `json:"client_id"`
		Scopes   []string `json:"scopes"`
	}{name, p.ClientID, p.Scopes}
	return a.print(line, fmt.Sprintf("profile %s: %s", name, strings.Join(p.Scopes, " ")))
}

// consent lets a person of the cloud consent, and gives exchange the query of the URL to
// which Amazon redirects.
func (a *app) consent(ctx context.Context, consentURL, customer string, exchange func(url.Values) error) error {
	var redirect cloud.Redirect
	if err := a.call(ctx, http.MethodPost, "/_cloud/consent", cloud.Consent{URL: consentURL, Customer: customer}, &redirect); err != nil {
		return err
	}
	u, err := url.Parse(redirect.Redirect)
	if err != nil {
		return errors.New("not the response of a cloud")
	}
	return exchange(u.Query())
}

func (a *app) logoutCommand() *cobra.Command {
	var profile string
	c := &cobra.Command{
		Use: "logout", Short: "Remove the tokens of a profile from this machine", Args: cobra.NoArgs,
		Long: `Remove the tokens of a profile from this machine. The consent itself stays: the person
withdraws it in the settings of the Amazon account, under Login with Amazon.`,
		Example: "  alexaevents logout --profile work",
		RunE: func(c *cobra.Command, _ []string) error {
			store, err := profiles(c)
			if err != nil {
				return err
			}
			err = store.Remove(profile)
			if errors.Is(err, account.ErrNoProfile) {
				a.note("profile %s: not logged in", profile)
				return nil
			}
			return apiError(err)
		},
	}
	addProfile(c, &profile, "`name` of the profile")
	return c
}
