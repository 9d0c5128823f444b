package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/alexaevents/alexaevents"
	"github.com/alexaevents/alexaevents/cmd/alexaevents/internal/property"
	"github.com/alexaevents/alexaevents/lwa"
	"github.com/alexaevents/alexaevents/smartprops"
)

func (a *app) smartpropsCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "smartprops", Short: "Set up the events and devices of Alexa Smart Properties",
		Long: `Set up the events and devices of Alexa Smart Properties, as one file says:

  topic: arn:aws:sns:us-east-1:123456789012:property
  region: NA           # of the organization: NA, EU (DE, ES, FR, IT, UK) or FE (JP)
  units:
    - id: amzn1.alexa.unit.did.hotel
      events: [Alexa.Enterprise.Subscription.Activation] # of the units below it
    - id: amzn1.alexa.unit.did.room-7
      events:
        - Alexa.Automation.Execution.Completion
        - Alexa.Skill.Interaction.Failure
        - Alexa.Role.Management.Assignment
        - Alexa.Role.Management.Revocation
      skills: [amzn1.ask.skill.1234] # whose failures are events
      endpoints:
        - serialNumber: G090LF1180850123
        - id: amzn1.alexa.endpoint.5678
  setupCompletion:
    entities:
      unit: {type: Unit, id: amzn1.alexa.unit.did.hotel}

Subscriptions that the file does not have stay. Amazon can give a device another ID when
it is associated with a unit, so its serial number is the better name. The device must
be online.

For set-up completion, Amazon requires the user ID of the account that sets devices up,
but does not document the entity that has it; Amazon's sample program sends a unit. The
entities are sent as the file has them, and ` + property.UserIDPlaceholder + ` in them is the user ID of the
profile of login.

Before the first event, create the topic, add what "policy" prints to its access policy,
and register your LWA client in the console of Alexa Smart Properties. Then:

  alexaevents login --scope ` + lwa.ScopeEnterpriseManagement + ` --scope ` + lwa.ScopeProfile + `

These commands are tested against the cloud. They were not run against Amazon itself.`,
		Example: "  alexaevents smartprops plan property.yaml\n  alexaevents smartprops apply property.yaml",
	}
	c.AddCommand(a.propertyPlanCommand(), a.propertyApplyCommand(), a.propertyCheckCommand(), a.propertyPolicyCommand())
	return c
}

// readProperty reads a file, and prints its warnings.
func (a *app) readProperty(c *cobra.Command, name string) (property.File, error) {
	data, err := readInput(c, name)
	if err != nil {
		return property.File{}, failed(err)
	}
	f, err := property.Read(data)
	if err != nil {
		return property.File{}, failed(fmt.Errorf("%s: %w", name, err))
	}
	for _, warning := range f.Warnings() {
		a.note("warning: %s: %s", name, warning)
	}
	return f, nil
}

// propertyPlan compares a file with what Amazon has.
func (a *app) propertyPlan(c *cobra.Command, name string, flags accountFlags) (*property.Plan, error) {
	f, err := a.readProperty(c, name)
	if err != nil {
		return nil, err
	}
	httpClient, _, err := a.apiClient(c, flags, lwa.ScopeEnterpriseManagement)
	if err != nil {
		return nil, err
	}
	userID := ""
	if f.NeedsUserID() {
		if userID, err = a.userID(c, flags); err != nil {
			return nil, err
		}
	}
	plan, err := property.NewPlan(c.Context(), &smartprops.Client{HTTPClient: httpClient}, f, userID)
	return plan, apiError(err)
}

// userID returns the user ID of the profile, with either scope that covers it.
func (a *app) userID(c *cobra.Command, flags accountFlags) (string, error) {
	var token alexaevents.Secret
	_, token, err := a.apiClient(c, flags, lwa.ScopeProfileUserID)
	if err != nil {
		if _, token, err = a.apiClient(c, flags, lwa.ScopeProfile); err != nil {
			return "", err
		}
	}
	httpClient, err := a.amazon(c)
	if err != nil {
		return "", err
	}
	client := &lwa.Client{ID: "unused by the request", HTTPClient: httpClient}
	profile, err := client.Profile(c.Context(), token)
	return profile.UserID, apiError(err)
}

func (a *app) propertyPlanCommand() *cobra.Command {
	var flags accountFlags
	c := &cobra.Command{
		Use: "plan FILE", Short: "Print what apply would change", Args: cobra.ExactArgs(1),
		Example: "  alexaevents smartprops plan property.yaml",
		RunE: func(c *cobra.Command, args []string) error {
			plan, err := a.propertyPlan(c, args[0], flags)
			if err != nil {
				return err
			}
			changes := 0
			for _, step := range plan.Steps {
				if step.Changes() {
					changes++
				}
				if step.Action == property.ActionNone {
					continue
				}
				if err := a.print(step, step.String()); err != nil {
					return err
				}
			}
			return a.printChanges(changes)
		},
	}
	flags.add(c)
	return c
}

// printChanges says that there is no change.
func (a *app) printChanges(n int) error {
	if n > 0 {
		return nil
	}
	return a.print(map[string]int{"changes": 0}, "no change")
}

func (a *app) propertyApplyCommand() *cobra.Command {
	var flags accountFlags
	c := &cobra.Command{
		Use: "apply FILE", Short: "Create subscriptions and associate devices", Args: cobra.ExactArgs(1),
		Long: `Create the subscriptions that are missing, and associate devices with their units. A
second apply changes nothing. A device that is not set up yet makes it fail, after
everything else is done: apply again when the device is.`,
		Example: "  alexaevents smartprops apply property.yaml --profile organization",
		RunE: func(c *cobra.Command, args []string) error {
			plan, err := a.propertyPlan(c, args[0], flags)
			if err != nil {
				return err
			}
			changes := 0
			err = plan.Apply(c.Context(), func(step property.Step) error {
				changes++
				return a.print(step, step.String())
			})
			if err != nil {
				return apiError(err)
			}
			missing := 0
			for _, step := range plan.Steps {
				if step.Action == property.ActionMissing {
					missing++
					if err := a.print(step, step.String()); err != nil {
						return err
					}
				}
			}
			if err := a.printChanges(changes); err != nil || missing == 0 {
				return err
			}
			return &exitError{exitFailed, fmt.Sprintf("devices that are not set up yet, or are in another region: %d", missing), "apply again when they are set up"}
		},
	}
	flags.add(c)
	return c
}

func (a *app) propertyCheckCommand() *cobra.Command {
	var flags accountFlags
	c := &cobra.Command{
		Use: "check FILE", Short: "Check that all is as the file says", Args: cobra.ExactArgs(1),
		Example: "  alexaevents smartprops check property.yaml --json",
		RunE: func(c *cobra.Command, args []string) error {
			plan, err := a.propertyPlan(c, args[0], flags)
			if err != nil {
				return err
			}
			wrong := 0
			for _, step := range plan.Steps {
				if step.Changes() || step.Action == property.ActionMissing {
					wrong++
				}
				if err := a.print(step, step.String()); err != nil {
					return err
				}
			}
			if wrong > 0 {
				return &exitError{exitFailed, fmt.Sprintf("%d of %d are not as %s says", wrong, len(plan.Steps), args[0]), "alexaevents smartprops apply " + args[0]}
			}
			return nil
		},
	}
	flags.add(c)
	return c
}

func (a *app) propertyPolicyCommand() *cobra.Command {
	return &cobra.Command{
		Use: "policy FILE", Short: "Print the statement for the topic's access policy", Args: cobra.ExactArgs(1),
		Long: `Print the statement that lets Alexa publish to the topic. Add it to the statements of
the topic's access policy, in the console of Amazon SNS or with your own tools.`,
		Example: "  alexaevents smartprops policy property.yaml",
		RunE: func(c *cobra.Command, args []string) error {
			f, err := a.readProperty(c, args[0])
			if err != nil {
				return err
			}
			statement, err := smartprops.TopicPolicyStatement(f.Topic)
			if err != nil {
				return failed(err)
			}
			_, err = fmt.Fprintf(a.out, "%s\n", statement)
			return err
		},
	}
}
