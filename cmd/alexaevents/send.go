package main

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"strings"

	"github.com/spf13/cobra"

	"github.com/alexaevents/alexaevents/alexatest"
	"github.com/alexaevents/alexaevents/cmd/alexaevents/internal/cloud"
)

const eventHelp = `An event is one of

  SkillEnabled                        a skill event, with or without AlexaSkillEvent
  LaunchRequest, Intent:NAME          a request to a custom skill
  Alexa.PowerController.TurnOn        a smart home directive
  AlexaDevelopmentEvent.SkillPublish  a notification to developers, over Amazon SNS
  Alexa.Skill.Interaction.Failure     a notification of Smart Properties, the same way`

// eventFlags are the flags that describe an event.
func eventFlags(c *cobra.Command, event *cloud.Event) {
	f := c.Flags()
	f.StringArrayVar(&event.Set, "set", nil, "change a member, as `path=value`: --set request.body.accessToken=abc; repeat it for several")
	f.StringVar(&event.Late, "late", "", "`age` of the event, such as 30m")
	f.StringVar(&event.Token, "token", "", "access `token` of your authorization server; @FILE reads it")
	f.StringVar(&event.Endpoint, "endpoint", "", "endpoint `ID` of a directive")
	c.ValidArgsFunction = func(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
		return cloud.EventNames(), cobra.ShellCompDirectiveNoFileComp
	}
}

func (a *app) printCommand() *cobra.Command {
	var event cloud.Event
	var skill string
	c := &cobra.Command{
		Use: "print EVENT", Short: "Print the body of an event, without a cloud", Args: cobra.ExactArgs(1),
		Long: "Print the body of an event, for a test of a Lambda function.\n\n" + eventHelp,
		Example: `  alexaevents print SkillEnabled | sam local invoke -e -
  alexaevents print Alexa.PowerController.TurnOn --endpoint lamp-1`,
		RunE: func(_ *cobra.Command, args []string) (err error) {
			event.Name = args[0]
			if event.Token, err = secret(event.Token); err != nil {
				return err
			}
			body, _, err := event.Build(&alexatest.Customer{SkillID: skill})
			if err != nil {
				return usage("%s", err)
			}
			_, err = fmt.Fprintf(a.out, "%s\n", body)
			return err
		},
	}
	eventFlags(c, &event)
	c.Flags().StringVar(&skill, "skill", defaultSkill, "skill `ID`")
	return c
}

func (a *app) sendCommand() *cobra.Command {
	var event cloud.Event
	var to, customer, topic string
	var edit, shuffle, tamper bool
	var repeat int
	c := &cobra.Command{
		Use: "send EVENT...", Short: "Send signed events to the backend", Args: cobra.MinimumNArgs(1),
		Long: "Sign events as Alexa does, and post them to the backend. Directives have no\nsignature.\n\n" + eventHelp,
		Example: `  alexaevents send SkillEnabled
  alexaevents send SkillEnabled SkillAccountLinked --repeat 2 --shuffle
  alexaevents send SkillDisabled --late 30m
  alexaevents send SkillEnabled --tamper
  alexaevents send AlexaDevelopmentEvent.SkillPublish --to http://localhost:8080/sns`,
		RunE: func(c *cobra.Command, args []string) (err error) {
			if event.Token, err = secret(event.Token); err != nil {
				return err
			}
			if repeat < 1 {
				return usage("--repeat: not a number of 1 or more")
			}
			var sends []cloud.Send
			for _, name := range args {
				event.Name = name
				var built cloud.Built
				if err := a.call(c.Context(), http.MethodPost, "/_cloud/customers/"+url.PathEscape(customer)+"/event", event, &built); err != nil {
					return err
				}
				if edit {
					edited, err := editText(c, built.Body)
					if err != nil {
						return err
					}
					built.Body = edited
				}
				for range repeat {
					sends = append(sends, cloud.Send{To: to, Kind: built.Kind, Name: name, Customer: customer, Body: built.Body, Topic: topic, Tamper: tamper})
				}
			}
			if shuffle {
				rand.Shuffle(len(sends), func(i, j int) { sends[i], sends[j] = sends[j], sends[i] })
			}
			var first error
			for _, send := range sends {
				var entry cloud.Entry
				if err := a.call(c.Context(), http.MethodPost, "/_cloud/send", send, &entry); err != nil {
					return err
				}
				if err := a.printEntry(entry); err != nil && first == nil {
					first = err
				}
			}
			return first
		},
	}
	eventFlags(c, &event)
	f := c.Flags()
	f.StringVar(&to, "to", "", "`URL` of the backend (default that of the cloud)")
	f.StringVar(&customer, "customer", "anna", "`name` of the customer")
	f.StringVar(&topic, "topic", "arn:aws:sns:us-east-1:000011112222:alexa", "`ARN` of the topic of a notification")
	f.IntVar(&repeat, "repeat", 1, "send each event this `number` of times, as a duplicate")
	f.BoolVar(&shuffle, "shuffle", false, "send in random order")
	f.BoolVar(&tamper, "tamper", false, "change the body after the signature")
	f.BoolVar(&edit, "edit", false, "edit the body in $EDITOR before it is signed")
	return c
}

// editText lets a person edit a text in $EDITOR.
func editText(c *cobra.Command, text string) (string, error) {
	editor := strings.Fields(os.Getenv("EDITOR"))
	if len(editor) == 0 {
		return "", usage("--edit needs the variable EDITOR")
	}
	file, err := os.CreateTemp("", "alexaevents-*.json")
	if err != nil {
		return "", failed(err)
	}
	defer os.Remove(file.Name())
	_, err = file.WriteString(text)
	if closed := file.Close(); err == nil {
		err = closed
	}
	if err != nil {
		return "", failed(err)
	}
	program := exec.CommandContext(c.Context(), editor[0], append(editor[1:], file.Name())...) //nolint:gosec // the person's editor
	program.Stdin, program.Stdout, program.Stderr = os.Stdin, os.Stderr, os.Stderr
	if err := program.Run(); err != nil {
		return "", failed(fmt.Errorf("%s: %w", editor[0], err))
	}
	edited, err := os.ReadFile(file.Name())
	if err != nil {
		return "", failed(err)
	}
	return string(bytes.TrimSuffix(edited, []byte("\n"))), nil
}
