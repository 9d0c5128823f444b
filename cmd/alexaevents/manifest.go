package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/alexaevents/alexaevents/skillevents"
)

func (a *app) manifestCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "manifest", Short: "Check or make the events section of skill.json",
		Example: "  alexaevents manifest lint skill-package/skill.json",
	}
	c.AddCommand(a.lintCommand(), a.buildCommand())
	return c
}

// readInput reads a file, or standard input for "-".
func readInput(c *cobra.Command, name string) ([]byte, error) {
	if name == "-" {
		return await(c.Context(), func() ([]byte, error) { return io.ReadAll(c.InOrStdin()) })
	}
	return os.ReadFile(name)
}

func (a *app) lintCommand() *cobra.Command {
	return &cobra.Command{
		Use: "lint FILE", Short: "Find out why a skill gets no events, or the wrong ones", Args: cobra.ExactArgs(1),
		Example: "  alexaevents manifest lint skill-package/skill.json\n  ask smapi get-skill-manifest -s ID | alexaevents manifest lint -",
		RunE: func(c *cobra.Command, args []string) error {
			file, err := readInput(c, args[0])
			if err != nil {
				return failed(err)
			}
			findings, err := skillevents.Lint(file)
			if err != nil {
				return failed(err)
			}
			errors := 0
			for _, f := range findings {
				kind := "note"
				if !f.Note {
					kind = "error"
					errors++
				}
				line := struct {
					Kind string `json:"kind"`
					Path string `json:"path"`
					Text string `json:"text"`
				}{kind, f.Path, f.Text}
				if err := a.print(line, kind+": "+f.String()); err != nil {
					return err
				}
			}
			if errors > 0 {
				return &exitError{exitFailed, fmt.Sprintf("%d errors in %s", errors, args[0]), ""}
			}
			return nil
		},
	}
}

func (a *app) buildCommand() *cobra.Command {
	var uri, certificate string
	var subscribe, publish []string
	c := &cobra.Command{
		Use: "build", Short: "Print the events section", Args: cobra.NoArgs,
		Long: "Print the events section, for manifest.events in skill.json.",
		Example: `  alexaevents manifest build --endpoint https://backend.example/alexa/events --certificate Trusted \
    --subscribe SKILL_ENABLED --subscribe SKILL_DISABLED`,
		RunE: func(*cobra.Command, []string) error {
			m := skillevents.Manifest{Endpoint: skillevents.Endpoint{URI: uri, Certificate: skillevents.CertificateType(certificate)}, Publications: publish}
			for _, name := range subscribe {
				m.Subscriptions = append(m.Subscriptions, skillevents.EventName(name))
			}
			section, err := json.MarshalIndent(m, "", "  ")
			if err != nil {
				return usage("%s", err)
			}
			_, err = fmt.Fprintf(a.out, "%s\n", section)
			return err
		},
	}
	f := c.Flags()
	f.StringVar(&uri, "endpoint", "", "https `URL` or the ARN of a Lambda function")
	f.StringVar(&certificate, "certificate", "", "`type` of an endpoint's certificate: Wildcard, Trusted or SelfSigned")
	f.StringArrayVar(&subscribe, "subscribe", nil, "`name` of an event to get, such as SKILL_ENABLED; repeat it for several")
	f.StringArrayVar(&publish, "publish", nil, "`name` of a proactive event to send; repeat it for several")
	_ = c.MarkFlagRequired("endpoint")
	return c
}
