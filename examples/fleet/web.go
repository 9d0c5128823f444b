package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/alexaevents/alexaevents/gateway"
)

// web takes changes over HTTP until ctx ends.
func (f *fleet) web(ctx context.Context) error {
	mux := http.NewServeMux()
	mux.HandleFunc("PUT /lamps/{id}/{power}", func(w http.ResponseWriter, r *http.Request) {
		if err := f.switchLamp(r.Context(), r.PathValue("id"), gateway.Switch(r.PathValue("power"))); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
		}
	})
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Println("http://" + listener.Addr().String())
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second}
	context.AfterFunc(ctx, func() { _ = server.Close() })
	if err := server.Serve(listener); err != http.ErrServerClosed {
		return err
	}
	return nil
}

// switchLamp changes the lamp and enqueues the report in one transaction: both
// happen, or neither.
func (f *fleet) switchLamp(ctx context.Context, id string, power gateway.Switch) error {
	keys, err := f.sender.Keys(ctx, account) // before the transaction begins
	if err != nil {
		return err
	}
	tx, err := f.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }() // does nothing after a commit
	_, err = tx.ExecContext(ctx, `INSERT INTO lamps (id, power) VALUES ($1, $2) ON CONFLICT (id) DO UPDATE SET power = excluded.power`, id, string(power))
	if err != nil {
		return err
	}
	err = f.outbox.Enqueue(ctx, tx, &gateway.ChangeReport{
		EndpointID: id,
		Cause:      gateway.PhysicalInteraction,
		Properties: []gateway.Property{gateway.PowerState(power, time.Now())},
	}, keys...)
	if err != nil {
		return err
	}
	return tx.Commit()
}
