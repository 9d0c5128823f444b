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
	mux.HandleFunc("POST /lamps/{account}/{power}", b.serveSwitch)
}

// serveSwitch is the endpoint that a lamp calls when its switch is pressed.
func (b *Skill) serveSwitch(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), 6*time.Second) // as long as the lamp waits
	defer cancel()
	err := b.switchLamp(ctx, r.PathValue("account"), gateway.Switch(r.PathValue("power")))
	switch {
	case err == nil:
		w.WriteHeader(http.StatusNoContent)
	case errors.Is(err, gateway.ErrEnded):
		http.Error(w, err.Error(), http.StatusGone) // no customer receives events until one allows them again
	default:
		http.Error(w, err.Error(), http.StatusServiceUnavailable) // the lamp retries later
	}
}

// switchLamp stores the state of an account's lamp and, in the same transaction, the
// report for Alexa. The outbox sends it, even if the process ends first.
func (b *Skill) switchLamp(ctx context.Context, account string, power gateway.Switch) error {
	keys, err := b.Sender.Keys(ctx, account) // before the transaction begins
	if err != nil {
		return err
	}
	if len(keys) == 0 {
		return gateway.ErrEnded
	}
	tx, err := b.Outbox.DB.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }() // does nothing after a commit
	_, err = tx.ExecContext(ctx, `INSERT INTO lamps (account, power) VALUES ($1, $2)
		ON CONFLICT (account) DO UPDATE SET power = excluded.power`, account, string(power))
	if err != nil {
		return err
	}
	err = b.Outbox.Enqueue(ctx, tx, &gateway.ChangeReport{
		EndpointID: "lamp",
		Cause:      gateway.PhysicalInteraction,
		Properties: []gateway.Property{gateway.PowerState(power, time.Now())},
	}, keys...)
	if err != nil {
		return err
	}
	return tx.Commit()
}
