package main

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"

	"github.com/spf13/cobra"

	"github.com/alexaevents/alexaevents"
	"github.com/alexaevents/alexaevents/cmd/alexaevents/internal/cloud"
)

func (a *app) customerCommand() *cobra.Command {
	var to, region, token string
	c := &cobra.Command{
		Use: "customer [NAME enable|link|launch|disable|grant]", Short: "Let a customer of the skill do something, or list customers",
		Long: `Let a customer of the skill do something. The cloud creates the customer on first
use, and Alexa sends the signed event to the backend:

  enable   the customer enables the skill: SkillEnabled
  link     the customer links an account: SkillAccountLinked
  launch   the customer opens the skill: LaunchRequest
  disable  the customer disables the skill: SkillDisabled; grants become invalid
  grant    the customer of a smart home skill consents to events: AcceptGrant, or
           its code and directive if the cloud has no --directives

Without arguments, list the customers.`,
		Example: `  alexaevents customer anna link
  alexaevents customer anna grant --to http://localhost:8080/directives`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 0 && len(args) != 2 {
				return usage("a customer needs a name and an action, such as: customer anna link")
			}
			return nil
		},
		ValidArgsFunction: func(_ *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
			if len(args) == 1 {
				return cloud.Actions, cobra.ShellCompDirectiveNoFileComp
			}
			return nil, cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) == 0 {
				return a.listCustomers(c)
			}
			path := "/_cloud/customers/" + url.PathEscape(args[0]) + "/" + url.PathEscape(args[1])
			var outcome struct {
				cloud.Entry
				cloud.Grant
			}
			var raw []byte
			text, err := secret(token)
			if err != nil {
				return err
			}
			action := cloud.Action{To: to, Region: alexaevents.Region(region), Token: text}
			if err := a.call(c.Context(), http.MethodPost, path, action, &raw); err != nil {
				return err
			}
			if err := json.Unmarshal(raw, &outcome); err != nil {
				return failed(err)
			}
			if outcome.Code != "" {
				return a.print(outcome.Grant, string(outcome.Directive))
			}
			return a.printEntry(outcome.Entry)
		},
	}
	f := c.Flags()
	f.StringVar(&to, "to", "", "`URL` of the backend (default that of the cloud)")
	f.StringVar(&region, "region", "", "`region` of the customer from now on: NA, EU or FE")
	f.StringVar(&token, "token", "", "access `token` of your authorization server for the customer from now on; @FILE reads it")
	return c
}

func (a *app) listCustomers(c *cobra.Command) error {
	var customers []cloud.Customer
	if err := a.call(c.Context(), http.MethodGet, "/_cloud/customers", nil, &customers); err != nil {
		return err
	}
	for _, customer := range customers {
		words := []string{customer.Name, string(customer.Region)}
		for _, state := range []struct {
			name string
			on   bool
		}{{"enabled", customer.Enabled}, {"linked", customer.Linked}, {"granted", customer.Granted}} {
			if state.on {
				words = append(words, state.name)
			}
		}
		if err := a.print(customer, strings.Join(words, " ")); err != nil {
			return err
		}
	}
	return nil
}
