package main

import (
	"errors"
	"net/url"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/alexaevents/alexaevents"
	"github.com/alexaevents/alexaevents/cmd/alexaevents/internal/account"
)

func (a *app) inviteCommand() *cobra.Command {
	var profile, redirect string
	var scopes []string
	c := &cobra.Command{
		Use: "invite NAME", Short: "Print a link with which a developer consents to your client", Args: cobra.ExactArgs(1),
		Long: `Print a link with which a developer consents to your client: the one of the profile with
which your organization logged in. Amazon redirects the developer's browser to the URL of
--redirect, which the security profile must allow, with a code that is valid for five
minutes. Give the whole URL that your server received to "login accept".

The profile NAME then has the developer's tokens. A new invitation replaces the former
one. The program examples/sdns is a server that does all of this.`,
		Example: `  alexaevents login invite dana --redirect https://organization.example/callback
  alexaevents login accept < redirected.txt
  alexaevents login token --profile dana`,
		RunE: func(c *cobra.Command, args []string) error {
			if u, err := url.Parse(redirect); err != nil || u.Scheme == "" || u.Host == "" {
				return usage("--redirect: not a URL such as https://organization.example/callback")
			}
			store, err := profiles(c)
			if err != nil {
				return err
			}
			own, err := store.Profile(profile)
			if errors.Is(err, account.ErrNoProfile) {
				return apiError(&account.LoginError{Profile: profile, Cause: "your organization is not logged in"})
			}
			if err != nil {
				return failed(err)
			}
			theirs, err := store.Profile(args[0])
			switch {
			case errors.Is(err, account.ErrNoProfile):
			case err != nil:
				return apiError(err)
			case args[0] == profile || theirs.ClientID != own.ClientID:
				return usage("profile %q is not of an invited developer: another name, or alexaevents logout --profile %[1]s", args[0])
			}
			theirs.ClientID, theirs.ClientSecret = own.ClientID, own.ClientSecret
			if len(scopes) == 0 {
				scopes = defaultScopes
			}
			link, verifier := own.Client().AuthCodeURL(redirect, scopes...)
			u, err := url.Parse(link)
			if err != nil {
				return failed(err)
			}
			theirs.Invitation = &account.Invitation{State: u.Query().Get("state"), RedirectURI: redirect, Verifier: alexaevents.Secret(verifier), Scopes: scopes}
			if err := store.Save(args[0], theirs); err != nil {
				return failed(err)
			}
			return a.print(map[string]string{"profile": args[0], "consent_url": link}, link)
		},
	}
	f := c.Flags()
	addProfile(c, &profile, "`name` of your own profile")
	f.StringVar(&redirect, "redirect", "", "redirect `URL` of your server")
	f.StringArrayVar(&scopes, "scope", nil, "`scope` that the developer needs; repeat it for several (default "+strings.Join(defaultScopes, " ")+")")
	_ = c.MarkFlagRequired("redirect")
	return c
}

func (a *app) acceptCommand() *cobra.Command {
	return &cobra.Command{
		Use: "accept", Short: "Exchange the code of an invited developer for tokens", Args: cobra.NoArgs,
		Long: `Exchange the code of an invited developer for tokens. Standard input has the URL to which
Amazon redirected the developer's browser, with code and state. The state says whose
invitation it is. The code is valid for five minutes, and works once; the developer can
open the link again for another one.`,
		Example: "  alexaevents login accept < redirected.txt",
		RunE: func(c *cobra.Command, _ []string) error {
			text, err := a.ask(c, "URL to which Amazon redirected the browser (not shown): ")
			if err != nil {
				return err
			}
			redirected, err := url.Parse(text) // its error would show the code
			if err != nil || redirected.Query().Get("state") == "" {
				return usage("standard input is not a URL with code and state")
			}
			store, err := profiles(c)
			if err != nil {
				return err
			}
			name, p, err := invited(store, redirected.Query().Get("state"))
			if err != nil {
				return err
			}
			client := p.Client()
			if client.HTTPClient, err = a.amazon(c); err != nil {
				return err
			}
			now := time.Now()
			token, err := client.ExchangeCallback(c.Context(), p.Invitation.RedirectURI, string(p.Invitation.Verifier), redirected.Query())
			if err != nil {
				return apiError(err)
			}
			p.Accept(token, p.Invitation.Scopes, now)
			return a.saveLogin(store, name, p)
		},
	}
}

// invited returns the profile whose invitation has the state.
func invited(store *account.Store, state string) (string, account.Profile, error) {
	names, err := store.Names()
	if err != nil {
		return "", account.Profile{}, failed(err)
	}
	for _, name := range names {
		p, err := store.Profile(name)
		if err != nil {
			return "", account.Profile{}, failed(err)
		}
		if p.Invitation != nil && p.Invitation.State == state {
			return name, p, nil
		}
	}
	return "", account.Profile{}, &exitError{exitFailed, "no invitation has this state: it was accepted, or a later one replaced it", "a new link: alexaevents login invite NAME"}
}

func (a *app) tokenCommand() *cobra.Command {
	var profile string
	c := &cobra.Command{
		Use: "token", Short: "Print a new access token of a profile", Args: cobra.NoArgs,
		Long: `Print a new access token of a profile. It is a secret that is valid for an hour. An
organization gives it to the developer whose profile it is; skills must be changed with a
token of the client that made the subscriber.`,
		Example: "  (umask 077; alexaevents login token --profile dana > dana.token)",
		RunE: func(c *cobra.Command, _ []string) error {
			source, err := a.source(c, accountFlags{profile: profile})
			if err != nil {
				return err
			}
			token, err := source.Token(c.Context(), "")
			if err != nil {
				return apiError(err)
			}
			p, err := source.Store.Profile(profile)
			if err == nil && p.RefreshToken != "" {
				token, err = source.Renew(c.Context(), "", token)
			}
			if err == nil {
				p, err = source.Store.Profile(profile)
			}
			if err != nil {
				return apiError(err)
			}
			a.note("valid until %s", p.Expiry.Local().Format(time.DateTime))
			line := struct {
				AccessToken string    `json:"access_token"`
				Expiry      time.Time `json:"expiry"`
			}{string(token), p.Expiry}
			return a.print(line, string(token))
		},
	}
	addProfile(c, &profile, "`name` of the profile")
	return c
}
