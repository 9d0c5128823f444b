package backend

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/alexaevents/alexaevents"
	"github.com/alexaevents/alexaevents/gateway"
)

// lamps adds the endpoints of the other direction, what the backend tells Alexa.
func (b *Skill) lamps(mux *http.ServeMux) {
	// Alexa hands a customer's permission to the skill's Lambda function in the
	// customer's region, which hands it on to here. No signature proves where it
	// comes from: let nothing but that function reach these.
	for _, region := range []alexaevents.Region{alexaevents.NorthAmerica, alexaevents.Europe, alexaevents.FarEast} {
		mux.Handle("POST /alexa/smarthome/"+string(region), &gateway.Granter{
			Tokens: b.Sender.Tokens, Account: b.Recorder.Account, Link: b.Link, Region: region, Logger: b.Sender.Logger,
		})
	}
	mux.HandleFunc("POST /lamps/{account}/{power}", b.switched)
}

// switched is what a lamp calls when somebody presses its switch. It answers when
// Alexa knows; a lamp would rather not wait for that.
func (b *Skill) switched(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), 6*time.Second) // the lamp waits no longer
	defer cancel()
	err := b.Sender.Send(ctx, r.PathValue("account"), &gateway.ChangeReport{
		EndpointID: "lamp",
		Cause:      gateway.PhysicalInteraction,
		Properties: []gateway.Property{gateway.PowerState(gateway.Switch(r.PathValue("power")), time.Now())},
	})
	status := http.StatusInternalServerError // somebody has to look at it
	switch {
	case err == nil:
		w.WriteHeader(http.StatusNoContent)
		return
	case errors.Is(err, gateway.ErrEnded):
		status = http.StatusGone // nobody listens until a customer allows it again
	case errors.Is(err, gateway.ErrTemporary):
		status = http.StatusServiceUnavailable // the lamp has to come again later
	}
	http.Error(w, err.Error(), status)
}
