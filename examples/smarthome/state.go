package main

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"reflect"
	"slices"
	"time"

	"github.com/alexaevents/alexaevents/gateway"
)

// state is the properties of a device as it last reported them.
type state []gateway.Property

// change returns the state after the device has reported properties, and the report
// for Alexa, nil if nothing has changed.
func (s state) change(d *device, cause gateway.Cause, reported ...gateway.Property) (state, *gateway.ChangeReport) {
	after, changed := slices.Clone(s), make(map[int]bool)
	for _, p := range reported {
		i := slices.IndexFunc(after, func(q gateway.Property) bool { return q.Namespace == p.Namespace && q.Name == p.Name })
		if i < 0 {
			continue // the discovery response does not have this property
		}
		changed[i] = changed[i] || !equal(after[i].Value, p.Value)
		after[i] = p
	}
	report := &gateway.ChangeReport{EndpointID: d.id, Cause: cause}
	for i, p := range after {
		if changed[i] {
			report.Properties = append(report.Properties, p)
		} else {
			report.Context = append(report.Context, p)
		}
	}
	if len(report.Properties) == 0 {
		report = nil
	}
	return after, report
}

// equal reports whether two values have the same JSON: a value from the database has
// lost its type.
func equal(a, b any) bool { return reflect.DeepEqual(plain(a), plain(b)) }

func plain(value any) (plain any) {
	text, err := json.Marshal(value)
	if err != nil || json.Unmarshal(text, &plain) != nil {
		return value
	}
	return plain
}

func (s state) reachable() bool {
	reachable := gateway.Connectivity(gateway.Reachable, time.Time{})
	return slices.ContainsFunc(s, func(p gateway.Property) bool { return equal(p.Value, reachable.Value) })
}

// migrate creates the tables of the devices, the grants and the outbox.
func (s *skill) migrate(ctx context.Context) error {
	_, err := s.outbox.DB.ExecContext(ctx, "CREATE TABLE IF NOT EXISTS devices (id TEXT PRIMARY KEY, state TEXT NOT NULL)")
	return errors.Join(err, s.store.Migrate(ctx), s.outbox.Migrate(ctx))
}

// querier is a database or a transaction.
type querier interface {
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// state returns the state of a device.
func (s *skill) state(ctx context.Context, db querier, d *device) (now state, err error) {
	var text []byte
	err = db.QueryRowContext(ctx, "SELECT state FROM devices WHERE id = $1", d.id).Scan(&text)
	if errors.Is(err, sql.ErrNoRows) {
		return d.initial, nil
	}
	if err == nil {
		err = json.Unmarshal(text, &now)
	}
	return now, err
}

// changed is called with the properties that a device reports, and returns its state.
// The state and the report for Alexa are stored in one transaction. Alexa requires the
// report within three seconds, also for changes by its own directives.
func (s *skill) changed(ctx context.Context, d *device, cause gateway.Cause, properties ...gateway.Property) (state, error) {
	keys, err := s.sender.Keys(ctx, d.account) // before the transaction begins
	if err != nil {
		return nil, err
	}
	tx, err := s.outbox.DB.BeginTx(ctx, nil) // which locks the database, see parameters
	if err != nil {
		return nil, err
	}
	defer func() { _ = tx.Rollback() }() // does nothing after a commit
	before, err := s.state(ctx, tx, d)
	if err != nil {
		return nil, err
	}
	after, report := before.change(d, cause, properties...)
	text, err := json.Marshal(after)
	if err != nil {
		return nil, err
	}
	if _, err := tx.ExecContext(ctx, `INSERT INTO devices (id, state) VALUES ($1, $2)
		ON CONFLICT (id) DO UPDATE SET state = excluded.state`, d.id, text); err != nil {
		return nil, err
	}
	if report != nil {
		if err := s.outbox.Enqueue(ctx, tx, report, keys...); err != nil {
			return nil, err
		}
	}
	return after, tx.Commit()
}
