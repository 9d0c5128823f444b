package main

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/alexaevents/alexaevents/cmd/alexaevents/internal/account"
	"github.com/alexaevents/alexaevents/cmd/alexaevents/internal/property"
	"github.com/alexaevents/alexaevents/lwa"
	"github.com/alexaevents/alexaevents/smartprops"
)

func (a *app) smartpropsCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "smartprops", Short: "Set up the events and devices of Alexa Smart Properties",
		Long: `Set up the events and devices of Alexa Smart Properties from one file, by default
smartprops.yaml:

  topic: arn:aws:sns:us-east-1:000011112222:property
  region: NA             # of the organization: NA, EU (DE, ES, FR, IT, UK) or FE (JP)
  units:
    - id: amzn1.alexa.unit.did.hotel
      events: [Alexa.Enterprise.Subscription.Activation]   # of the units below it
    - id: amzn1.alexa.unit.did.room-7
      events:
        - Alexa.Automation.Execution.Completion
        - Alexa.Skill.Interaction.Failure
        - Alexa.Role.Management.Assignment
        - Alexa.Role.Management.Revocation
      skills: [amzn1.ask.skill.1234]   # whose failures are events
      endpoints:                       # devices to associate with the unit
        - serialNumber: G090LF1180850123
        - id: amzn1.alexa.endpoint.5678
  setupCompletion:
    entities:
      unit: {type: Unit, id: amzn1.alexa.unit.did.hotel}

  1. Make the topic in AWS, and add what "smartprops policy" prints to its policy.
  2. Register your client in the console of Alexa Smart Properties, under
     Administration > Alexa Management API Clients.
  3. alexaevents login --client-id ID --scope ` + lwa.ScopeEnterpriseManagement + `
  4. alexaevents smartprops apply

The ID of a device can change when it is associated with a unit, and its serial number
does not. The device must be online.

For set-up completion, Amazon requires the user ID of the account that sets devices up,
but does not document which entity has it; Amazon's sample program sends a unit. The
entities are sent as the file has them. The text ` + property.UserIDPlaceholder + ` in them becomes the user ID of
the profile of login, which needs the scope ` + lwa.ScopeProfile + ` as well.

These commands were tested with the cloud, never with Amazon itself.`,
		Example: "  alexaevents smartprops plan\n  alexaevents smartprops apply smartprops.yaml --profile organization",
	}
	c.AddCommand(a.smartpropsPlanCommand(), a.smartpropsApplyCommand(), a.smartpropsCheckCommand(), a.smartpropsPolicyCommand())
	return c
}

// readSmartprops reads and checks a file, and notes its warnings.
func (a *app) readSmartprops(c *cobra.Command, args []string) (property.File, error) {
	var file property.File
	if err := readFile(c, args, "smartprops.yaml", &file, file.Check); err != nil {
		return property.File{}, err
	}
	for _, warning := range file.Warnings() {
		a.note("warning: %s", warning)
	}
	return file, nil
}

// smartpropsPlan reads the file and compares it with what Amazon has.
func (a *app) smartpropsPlan(c *cobra.Command, args []string, flags accountFlags) (*property.Plan, error) {
	file, err := a.readSmartprops(c, args)
	if err != nil {
		return nil, err
	}
	httpClient, err := a.apiClient(c, flags, lwa.ScopeEnterpriseManagement)
	if err != nil {
		return nil, err
	}
	user := ""
	if file.NeedsUserID() {
		source, err := a.source(c, flags)
		if err != nil {
			return nil, err
		}
		if user, err = userID(c.Context(), source); err != nil {
			return nil, apiError(err)
		}
	}
	plan, err := property.NewPlan(c.Context(), &smartprops.Client{HTTPClient: httpClient}, file, user)
	if err != nil {
		return nil, apiError(err)
	}
	for _, text := range plan.Other {
		a.note("not in the file, stays as it is: %s", text)
	}
	return plan, nil
}

// userID returns the user ID of the account, with either scope that covers it.
func userID(ctx context.Context, source *account.Source) (string, error) {
	token, err := source.Token(ctx, lwa.ScopeProfileUserID)
	if err != nil {
		if token, err = source.Token(ctx, lwa.ScopeProfile); err != nil {
			return "", err
		}
	}
	client := &lwa.Client{ID: "any", HTTPClient: source.HTTPClient} // the request does not name it
	profile, err := client.Profile(ctx, token)
	return profile.UserID, err
}

func (a *app) smartpropsPlanCommand() *cobra.Command {
	var flags accountFlags
	c := &cobra.Command{
		Use: "plan [FILE]", Short: "Show what apply would do", Args: cobra.MaximumNArgs(1),
		Example: "  alexaevents smartprops plan\n  alexaevents smartprops plan smartprops.yaml --json",
		RunE: func(c *cobra.Command, args []string) error {
			plan, err := a.smartpropsPlan(c, args, flags)
			if err != nil {
				return err
			}
			return a.printSmartprops(plan)
		},
	}
	flags.add(c)
	return c
}

// printSmartprops prints the changes of the plan; with --json also what stays.
func (a *app) printSmartprops(plan *property.Plan) error {
	for _, step := range plan.Steps {
		if err := a.printStep(step); err != nil {
			return err
		}
	}
	if plan.Changes() == 0 && !a.json {
		return a.print(nil, "no change")
	}
	return nil
}

func (a *app) printStep(step property.Step) error {
	if step.Action == property.ActionNone && !a.json {
		return nil
	}
	return a.print(step, step.String())
}

func (a *app) smartpropsApplyCommand() *cobra.Command {
	var flags accountFlags
	c := &cobra.Command{
		Use: "apply [FILE]", Short: "Create subscriptions and associate devices", Args: cobra.MaximumNArgs(1),
		Long: `Create subscriptions and associate devices, so that Amazon has what the file says. It
deletes nothing. A configuration is found by topic, and a subscription by event and
entities. A second apply finds no change.

If Amazon does not know the serial number of a device yet, apply does the rest and fails
with exit code 1: apply again when the device is set up.`,
		Example: "  alexaevents smartprops apply\n  alexaevents smartprops apply smartprops.yaml --profile organization",
		RunE: func(c *cobra.Command, args []string) error {
			plan, err := a.smartpropsPlan(c, args, flags)
			if err != nil {
				return err
			}
			if plan.Changes() == 0 {
				if err := a.printSmartprops(plan); err != nil {
					return err
				}
			} else if err := plan.Apply(c.Context(), a.printStep); err != nil {
				return apiError(err)
			}
			if n := plan.Missing(); n > 0 {
				return &exitError{exitFailed, fmt.Sprintf("devices that are not set up, or are in another region: %d", n), "apply again when they are set up"}
			}
			return nil
		},
	}
	flags.add(c)
	return c
}

func (a *app) smartpropsCheckCommand() *cobra.Command {
	var flags accountFlags
	c := &cobra.Command{
		Use: "check [FILE]", Short: "Fail if Amazon has not what the file says", Args: cobra.MaximumNArgs(1),
		Long:    "Fail with exit code 1 if Amazon has not what the file says. It changes nothing.",
		Example: "  alexaevents smartprops check",
		RunE: func(c *cobra.Command, args []string) error {
			plan, err := a.smartpropsPlan(c, args, flags)
			if err != nil {
				return err
			}
			if err := a.printSmartprops(plan); err != nil {
				return err
			}
			if n := plan.Changes() + plan.Missing(); n > 0 {
				return &exitError{exitFailed, fmt.Sprintf("Amazon has not what the file says: %d changes", n), "alexaevents smartprops apply"}
			}
			return nil
		},
	}
	flags.add(c)
	return c
}

func (a *app) smartpropsPolicyCommand() *cobra.Command {
	return &cobra.Command{
		Use: "policy [FILE]", Short: "Print the statement for the topic's access policy", Args: cobra.MaximumNArgs(1),
		Long: `Print the statement that lets Alexa publish to the topic. Add it to the statements of
the topic's access policy. The command changes nothing in AWS.`,
		Example: "  alexaevents smartprops policy smartprops.yaml",
		RunE: func(c *cobra.Command, args []string) error {
			file, err := a.readSmartprops(c, args)
			if err != nil {
				return err
			}
			statement, err := smartprops.TopicPolicyStatement(file.Topic)
			if err != nil {
				return failed(err)
			}
			return a.print(json.RawMessage(statement), string(statement))
		},
	}
}
