package main

import (
	"fmt"
	"net/http"

	"github.com/spf13/cobra"

	"github.com/alexaevents/alexaevents/cmd/alexaevents/internal/cloud"
)

func (a *app) forgeCommand() *cobra.Command {
	var to string
	var strict bool
	c := &cobra.Command{
		Use: "forge", Short: "Send every forgery to the backend, which must refuse each", Args: cobra.NoArgs,
		Long: `Send every forgery to the backend, and last a genuine SkillEnabled. The backend must
refuse each forgery with status 400, and accept the genuine event. There is a warning
for an accepted forgery that Amazon's documents do not mention, and for a status of 500
or above, after which Alexa would deliver an event again. With --strict both count as
failures.`,
		Example: `  alexaevents forge --to http://localhost:8080/alexa/events
  alexaevents forge --strict --json`,
		RunE: func(c *cobra.Command, _ []string) error {
			var outcomes []cloud.Forged
			if err := a.call(c.Context(), http.MethodPost, "/_cloud/forge", cloud.Forge{To: to}, &outcomes); err != nil {
				return err
			}
			wrong := 0
			for _, o := range outcomes {
				isGenuine := o.Name == cloud.Genuine
				passed := o.Refused
				if isGenuine {
					passed = o.Status/100 == 2
				}
				mark := "ok  "
				switch {
				case passed && (o.Status < 500 || !strict):
					if o.Status >= 500 { // Alexa delivers an event again
						mark = "warn"
					}
				case o.Required || strict || isGenuine:
					mark = "FAIL"
					wrong++
				default:
					mark = "warn"
				}
				text := fmt.Sprintf("%s  %3d  %s", mark, o.Status, o.Name)
				if o.Reason != "" {
					text += " (stricter: " + o.Reason + ")"
				}
				if err := a.print(o, text); err != nil {
					return err
				}
			}
			if len(outcomes) > 0 && outcomes[len(outcomes)-1].Status == 0 {
				return &exitError{exitUnreachable, "no response from the backend", "is it running? another URL: --to"}
			}
			if wrong > 0 {
				return &exitError{exitFailed, fmt.Sprintf("%d of %d requests had the wrong outcome", wrong, len(outcomes)), "the status of a forgery must be 400"}
			}
			return nil
		},
	}
	c.Flags().StringVar(&to, "to", "", "`URL` of the backend (default that of the cloud)")
	c.Flags().BoolVar(&strict, "strict", false, "fail instead of warning")
	return c
}
