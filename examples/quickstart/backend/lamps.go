package backend

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/alexaevents/alexaevents"
	"github.com/alexaevents/alexaevents/gateway"
)

// lamps adds the endpoints for sending events to Alexa.
func (b *Skill) lamps(mux *http.ServeMux) {
	// Alexa invokes the skill's Lambda function in the customer's region with an
	// AcceptGrant directive, and the function forwards it to here. The directive has no
	// signature: allow only that function to call these endpoints.
	for _, region := range []alexaevents.Region{alexaevents.NorthAmerica, alexaevents.Europe, alexaevents.FarEast} {
		mux.Handle("POST /alexa/smarthome/"+string(region), &gateway.Granter{
			Tokens: b.Sender.Tokens, Account: b.Recorder.Account, Link: b.Link, Region: region, Logger: b.Sender.Logger,
		})
	}
	mux.HandleFunc("POST /lamps/{account}/{power}", b.switched)
}

// switched is the endpoint that a lamp calls when its switch is pressed. It responds
// after Alexa has accepted the report; a real lamp should not wait for that.
func (b *Skill) switched(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), 6*time.Second) // as long as the lamp waits
	defer cancel()
	err := b.Sender.Send(ctx, r.PathValue("account"), &gateway.ChangeReport{
		EndpointID: "lamp",
		Cause:      gateway.PhysicalInteraction,
		Properties: []gateway.Property{gateway.PowerState(gateway.Switch(r.PathValue("power")), time.Now())},
	})
	status := http.StatusInternalServerError // the operator has to act
	switch {
	case err == nil:
		w.WriteHeader(http.StatusNoContent)
		return
	case errors.Is(err, gateway.ErrEnded):
		status = http.StatusGone // no customer receives events until one allows them again
	case errors.Is(err, gateway.ErrTemporary):
		status = http.StatusServiceUnavailable // the lamp retries later
	}
	http.Error(w, err.Error(), status)
}
