package main

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/alexaevents/alexaevents"
	"github.com/alexaevents/alexaevents/alexatest"
	"github.com/alexaevents/alexaevents/cmd/alexaevents/internal/account"
	"github.com/alexaevents/alexaevents/lwa"
)

// onCloud reports whether commands that call Amazon's APIs call the cloud: if --cloud or
// the environment of "run" and "env" names it.
func onCloud(c *cobra.Command) bool {
	return c.Flags().Changed("cloud") || os.Getenv("ALEXAEVENTS_CLOUD") != ""
}

// amazon returns an HTTP client for Amazon, or for the cloud.
func (a *app) amazon(c *cobra.Command) (*http.Client, error) {
	if !onCloud(c) {
		return &http.Client{Timeout: 30 * time.Second}, nil // follows the proxy of the environment
	}
	remote, err := alexatest.Remote(a.cloud)
	if err != nil {
		return nil, a.noCloud(err)
	}
	return remote.Client(), nil
}

// profiles returns the profiles of Amazon, or those of the cloud.
func profiles(c *cobra.Command) (*account.Store, error) {
	dir, err := os.UserConfigDir()
	if err != nil {
		return nil, failed(err)
	}
	name := "credentials"
	if onCloud(c) {
		u, err := url.Parse(c.Flags().Lookup("cloud").Value.String())
		if err != nil {
			return nil, usage("--cloud: %s", err)
		}
		name = "cloud-" + strings.ReplaceAll(u.Host, ":", "-")
	}
	return &account.Store{Dir: filepath.Join(dir, "alexaevents", name)}, nil
}

// accountFlags select for whom a command calls Amazon's APIs.
type accountFlags struct{ profile, token string }

func (f *accountFlags) add(c *cobra.Command) {
	addProfile(c, &f.profile, "`name` of the profile of login")
	c.Flags().StringVar(&f.token, "access-token", "", "`@FILE` with an access token that you were given, in place of a profile")
	c.MarkFlagsMutuallyExclusive("profile", "access-token")
}

// addProfile adds the flag --profile.
func addProfile(c *cobra.Command, profile *string, meaning string) {
	c.Flags().StringVar(profile, "profile", "default", meaning)
	_ = c.RegisterFlagCompletionFunc("profile", func(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
		store, err := profiles(c)
		if err != nil {
			return nil, cobra.ShellCompDirectiveError
		}
		names, err := store.Names()
		if err != nil {
			return nil, cobra.ShellCompDirectiveError
		}
		return names, cobra.ShellCompDirectiveNoFileComp
	})
}

// source returns the access tokens of the account.
func (a *app) source(c *cobra.Command, f accountFlags) (*account.Source, error) {
	source := &account.Source{Profile: f.profile}
	var err error
	if f.token != "" {
		if source.Given, err = secretFile("--access-token", f.token); err != nil {
			return nil, err
		}
	}
	if source.Store, err = profiles(c); err != nil {
		return nil, err
	}
	source.HTTPClient, err = a.amazon(c)
	return source, err
}

// apiClient returns an HTTP client that adds an access token with the scope to
// requests to Amazon's APIs.
func (a *app) apiClient(c *cobra.Command, f accountFlags, scope string) (*http.Client, error) {
	source, err := a.source(c, f)
	if err != nil {
		return nil, err
	}
	if _, err := source.Token(c.Context(), scope); err != nil {
		return nil, apiError(err)
	}
	return source.Client(scope), nil
}

// secretFile reads a secret from the file of "@FILE".
func secretFile(name, flag string) (alexaevents.Secret, error) {
	if !strings.HasPrefix(flag, "@") {
		return "", usage("%s: other users of this machine see a command line: write the secret to a file and give @FILE", name)
	}
	text, err := secret(flag)
	if err == nil && text == "" {
		err = usage("%s: %s is empty", name, flag[1:])
	}
	return alexaevents.Secret(text), err
}

// apiError returns the error of a request to Amazon with its exit code.
func apiError(err error) error {
	if login, ok := errors.AsType[*account.LoginError](err); ok {
		hint := "alexaevents login --profile " + login.Profile
		if login.Scope != "" {
			hint += " --scope " + login.Scope
		}
		return &exitError{exitLogin, login.Error(), hint}
	}
	var exit *exitError
	if err == nil || errors.As(err, &exit) || errors.Is(err, context.Canceled) {
		return err
	}
	if errors.Is(err, account.ErrName) {
		return usage("%s", err)
	}
	if invalid, ok := errors.AsType[*alexaevents.InvalidError](err); ok {
		return usage("%s", invalid)
	}
	status := 0
	if failure, ok := errors.AsType[*alexaevents.Error](err); ok {
		status = failure.Status
	}
	if failure, ok := errors.AsType[*lwa.Error](err); ok {
		status = failure.Status
		if failure.Code != "" {
			status = http.StatusBadRequest
		}
	}
	switch {
	case status == 0 && errors.Is(err, alexaevents.ErrTemporary):
		return &exitError{exitUnreachable, err.Error(), ""}
	case status == 0:
		return failed(err)
	}
	return &exitError{exitRefused, err.Error(), ""}
}
