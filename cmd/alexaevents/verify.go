package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/alexaevents/alexaevents/alexatest"
	"github.com/alexaevents/alexaevents/signature"
)

// check is the outcome of one check of a captured request.
type check struct {
	Name   string `json:"check"`
	Result string `json:"result"` // "pass", "fail" or "skipped"
	Why    string `json:"why,omitempty"`
}

// The checks, in order. Those after the first failure are skipped, except that a wrong
// time or skill does not end them.
var checks = []struct {
	name string
	err  error
	hint string
}{
	{"headers", signature.ErrHeader, "a proxy may drop or rename headers"},
	{"certificate URL", signature.ErrURL, "the host must be s3.amazonaws.com and the path start with /echo.api/"},
	{"body", signature.ErrRequest, "the file must have the bytes of the body exactly"},
	{"time", signature.ErrTime, "--at sets the time at which to verify; a backend needs a clock in sync"},
	{"skill", signature.ErrSkill, "--skill names your skill"},
	{"certificate fetched", signature.ErrFetch, "the backend needs access to s3.amazonaws.com; for a request of the cloud: --fake"},
	{"certificate", signature.ErrCertificate, "for a request of the cloud: --fake; else it is a forgery, or the certificate has expired since: --at"},
	{"signature", signature.ErrSignature, "something changed the body after it was signed, such as a parser that wrote it again"},
}

func (a *app) verifyCommand() *cobra.Command {
	var skills []string
	var at string
	var fake bool
	c := &cobra.Command{
		Use: "verify FILE", Short: "Explain each check of a captured request", Args: cobra.ExactArgs(1),
		Long: `Explain each check of a captured request. The file has the headers, an empty line and
the exact body; or it is a HAR file, or the event of API Gateway or a Lambda function
URL. "-" is standard input. The certificate is fetched from Amazon, or with --fake
from the cloud.`,
		Example: `  alexaevents verify request.txt --skill amzn1.ask.skill.1234
  alexaevents verify --fake captured.har --at 2026-11-26T14:00:00Z`,
		RunE: func(c *cobra.Command, args []string) error {
			file, err := readInput(c, args[0])
			if err != nil {
				return failed(err)
			}
			captured, err := readCapture(file)
			if err != nil {
				return failed(fmt.Errorf("%s: %w", args[0], err))
			}
			now := time.Now()
			if at != "" {
				if now, err = time.Parse(time.RFC3339, at); err != nil {
					return usage("--at: not a time such as 2026-11-26T14:00:00Z: %q", at)
				}
			}
			verifier := func(skills []string, now time.Time) *signature.Verifier {
				return &signature.Verifier{Skills: skills, Now: func() time.Time { return now }}
			}
			if fake {
				remote, err := alexatest.Remote(a.cloud)
				if err != nil {
					return a.noCloud(err)
				}
				amazon := verifier
				verifier = func(skills []string, now time.Time) *signature.Verifier {
					v := amazon(skills, now)
					v.Roots, v.HTTPClient = remote.Roots(), remote.Client()
					return v
				}
			}
			wrong := 0
			for _, check := range explain(c.Context(), captured, skills, now, verifier) {
				text := fmt.Sprintf("%-7s  %s", check.Result, check.Name)
				if check.Why != "" {
					text += ": " + check.Why
				}
				if check.Result == "fail" {
					wrong++
				}
				if err := a.print(check, text); err != nil {
					return err
				}
			}
			if wrong > 0 {
				return &exitError{exitFailed, "the request does not pass", ""}
			}
			return nil
		},
	}
	f := c.Flags()
	f.StringArrayVar(&skills, "skill", nil, "`ID` of your skill (default that of the request)")
	f.StringVar(&at, "at", "", "`time` at which to verify (default now)")
	f.BoolVar(&fake, "fake", false, "verify against the running cloud instead of Amazon")
	return c
}

// explain makes all checks. After a wrong time or skill it goes on with those of the
// request.
func explain(ctx context.Context, c capture, skills []string, now time.Time, verifier func([]string, time.Time) *signature.Verifier) []check {
	skill, sent := claims(c.body)
	if len(skills) == 0 {
		skills = []string{skill}
	}
	failures := make(map[string]string)
	err := verifier(skills, now).Verify(ctx, c.header, c.body)
	for errors.Is(err, signature.ErrTime) || errors.Is(err, signature.ErrSkill) {
		name := "time"
		if errors.Is(err, signature.ErrSkill) {
			name = "skill"
		}
		if failures[name] != "" { // the request has none
			break
		}
		failures[name] = err.Error()
		if name == "skill" {
			skills = []string{skill}
		} else if now = sent; sent.IsZero() {
			break
		}
		err = verifier(skills, now).Verify(ctx, c.header, c.body)
	}
	ended := false
	var list []check
	for _, known := range checks {
		outcome := check{Name: known.name, Result: "pass"}
		text, isEarlier := failures[known.name]
		switch {
		case ended:
			outcome.Result = "skipped"
		case isEarlier:
			outcome.Result, outcome.Why = "fail", trim(text)+"; "+known.hint
			ended = errors.Is(err, known.err)
		case errors.Is(err, known.err):
			outcome.Result, outcome.Why = "fail", trim(err.Error())+"; "+known.hint
			if known.name == "signature" && bytes.HasSuffix(c.body, []byte("\n")) &&
				verifier(skills, now).Verify(ctx, c.header, bytes.TrimRight(c.body, "\r\n")) == nil {
				outcome.Why = "it matches the body without its last line break: remove that from the file"
			}
			ended = true
		}
		list = append(list, outcome)
	}
	return list
}

func trim(text string) string { return strings.TrimPrefix(text, "signature: ") }

// claims returns what a body says about itself, as far as it does.
func claims(body []byte) (skill string, sent time.Time) {
	var request struct {
		Context struct {
			System struct {
				Application struct{ ApplicationID string }
			}
		}
		Session struct {
			Application struct{ ApplicationID string }
		}
		Request struct{ Timestamp time.Time }
	}
	_ = json.Unmarshal(body, &request)
	skill = request.Context.System.Application.ApplicationID
	if skill == "" {
		skill = request.Session.Application.ApplicationID
	}
	if skill == "" {
		skill = "unknown"
	}
	return skill, request.Request.Timestamp
}
