package outbox

import (
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/alexaevents/alexaevents/internal/redact"
	"github.com/alexaevents/alexaevents/internal/rest"
	"github.com/alexaevents/alexaevents/internal/sqldb"
	"github.com/alexaevents/alexaevents/lwa"
	"github.com/alexaevents/alexaevents/store/sqlstore"
)

const (
	settleEvery  = 5 * time.Millisecond
	settleAtOnce = 200         // lanes
	settleTries  = time.Minute // for a database that fails
	stopTries    = 5 * time.Second
)

// reasonRegion is why the events of a region wait that fails.
const reasonRegion = "the region fails"

// settleAll writes down what came of lanes, many in one transaction, until results
// is closed.
func (w *worker) settleAll(ctx, running context.Context) {
	for first := range w.results {
		results := []*result{first}
		timer := time.NewTimer(settleEvery)
	gather:
		for len(results) < settleAtOnce {
			select {
			case more, ok := <-w.results:
				if !ok {
					break gather
				}
				results = append(results, more)
			case <-timer.C:
				break gather
			}
		}
		timer.Stop()
		w.settle(ctx, running, results)
	}
}

// settle tries until the database takes the results. If it does not, the leases
// end, and all is done again.
func (w *worker) settle(ctx, running context.Context, results []*result) {
	trying, cancel := context.WithTimeout(ctx, settleTries)
	defer cancel()
	defer context.AfterFunc(running, func() { time.AfterFunc(stopTries, cancel) })()
	var settled map[string]bool
	for tries := 0; trying.Err() == nil; tries++ {
		var err error
		w.setSettling(results, true)
		settled, err = w.write(trying, results)
		w.setSettling(results, false)
		if err == nil {
			break
		}
		w.complain(ctx, "settle events", err)
		select {
		case <-time.After(min(50*time.Millisecond<<min(tries, 5), time.Second)):
		case <-trying.Done():
		}
	}
	w.mu.Lock()
	for _, r := range results {
		delete(w.lanes, r.lane.name)
		if r.more && settled[r.lane.name] {
			w.again = append(w.again, r.lane.name)
		}
	}
	w.mu.Unlock()
	for _, r := range results {
		if settled[r.lane.name] {
			w.publish(ctx, r)
		}
	}
}

func (w *worker) setSettling(results []*result, settling bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, r := range results {
		r.lane.settling = settling
	}
}

// publish logs and observes what came of the events of a lane.
func (w *worker) publish(ctx context.Context, r *result) {
	for _, o := range r.observations {
		if w.Observe != nil {
			_ = rest.Catch(func() error { w.Observe(ctx, o.Observation); return nil })
		}
		if o.Outcome != Expired && o.Outcome != Ended && o.Outcome != Dead {
			continue
		}
		attributes := []slog.Attr{slog.String("alexa.event.type", o.Event), slog.String("alexa.outcome", string(o.Outcome)), slog.Duration("alexa.age", o.Age)}
		if o.Err != nil {
			attributes = append(attributes, slog.Any("error", o.Err))
		}
		w.log(ctx, slog.LevelWarn, "event not delivered", attributes...)
		w.log(ctx, slog.LevelDebug, "whose event that was",
			slog.String("alexa.account.id", o.key.AccountID), slog.String("alexa.link.id", o.key.LinkID))
	}
}

// write settles the lanes whose lease is still this worker's, and returns their
// names: whoever has another delivers what is in it.
func (w *worker) write(ctx context.Context, results []*result) (settled map[string]bool, err error) {
	isolation := sql.LevelDefault
	if w.Dialect == sqlstore.Postgres { // any is correct, and this one has the fewest conflicts
		isolation = sql.LevelReadCommitted
	}
	err = sqldb.Retry(ctx, time.Now(), w.dialect.Busy, func() error {
		tx, err := w.DB.BeginTx(ctx, &sql.TxOptions{Isolation: isolation})
		if err != nil {
			return err
		}
		defer func() { _ = tx.Rollback() }() // does nothing after a commit
		if settled, err = w.writeAll(ctx, tx, results); err != nil {
			return err
		}
		return tx.Commit()
	})
	return settled, err
}

func (w *worker) writeAll(ctx context.Context, tx *sql.Tx, results []*result) (map[string]bool, error) {
	exec := func(statement string, args ...any) error {
		_, err := tx.ExecContext(ctx, w.statement(w.dialect, statement), args...)
		return err
	}
	settled, err := w.lock(ctx, tx, results)
	if err != nil {
		return nil, err
	}
	var done, lanes []any
	grants := make(map[lwa.Key]*pause)
	for _, r := range results {
		if !settled[r.lane.name] {
			continue
		}
		lanes = append(lanes, r.lane.name)
		for _, id := range r.done {
			done = append(done, id)
		}
		for _, b := range r.dead {
			if err := exec(`UPDATE alexa_outbox SET state = $1, ended_at = {now}, reason = $2, region = $3 WHERE id = $4`,
				stateDead, redact.Text(b.reason), string(b.region), b.id); err != nil {
				return nil, err
			}
		}
		for _, id := range r.unsent {
			if err := exec(`UPDATE alexa_outbox SET state = $1 WHERE id = $2 AND state = $3`, stateWaiting, id, stateBegun); err != nil {
				return nil, err
			}
		}
		switch p := r.pause; {
		case p == nil:
		case p.region != "" && !p.failed && !w.regions.failing(p.region): // it came back meanwhile
		case p.grant != nil:
			if known := grants[*p.grant]; known == nil || known.wait < p.wait {
				grants[*p.grant] = p
			}
			if p.failed {
				err = exec(`UPDATE alexa_outbox SET tries = tries + 1 WHERE lane = $1 AND state < 2`, r.lane.name)
			}
		default:
			err = w.hold(exec, p, `lane = $5`, r.lane.name)
		}
		if err != nil {
			return nil, err
		}
	}
	keys := slices.SortedFunc(maps.Keys(grants), func(a, b lwa.Key) int { return strings.Compare(grantLane(a), grantLane(b)) })
	for _, key := range keys { // one statement, however many lanes the grant has
		p := grants[key]
		wait := *p
		wait.failed = false
		if err := w.hold(exec, &wait, `account_id = $5 AND client_id = $6 AND link_id = $7`, key.AccountID, key.ClientID, key.LinkID); err != nil {
			return nil, err
		}
		if !p.failed {
			continue
		}
		if err := exec(`INSERT INTO alexa_outbox_leases (lane, holder, until_at) VALUES ($1, '', {now}+$2)
ON CONFLICT (lane) DO UPDATE SET until_at = excluded.until_at WHERE alexa_outbox_leases.until_at < excluded.until_at`,
			grantLane(key), p.wait.Milliseconds()); err != nil {
			return nil, err
		}
	}
	for some := range slices.Chunk(done, rowsAtOnce) {
		if err := exec(`DELETE FROM alexa_outbox WHERE id IN (`+placeholders(1, len(some))+`)`, some...); err != nil {
			return nil, err
		}
	}
	for _, r := range results { // after all that was made to wait
		if r.back == "" {
			continue
		}
		if err := exec(`UPDATE alexa_outbox SET due_at = {now} WHERE state < 2 AND due_at > {now} AND region = $1 AND reason = $2`,
			string(r.back), reasonRegion); err != nil {
			return nil, err
		}
	}
	if len(lanes) == 0 {
		return settled, nil
	}
	return settled, exec(`DELETE FROM alexa_outbox_leases WHERE lane IN (`+placeholders(1, len(lanes))+`)`, lanes...)
}

// hold makes rows wait that are due, and after an attempt that failed all that come due
// before the wait is over. What expires before that comes due when it expires, so that it
// does not stay; what has expired already and was not read, in a second.
func (w *worker) hold(exec func(string, ...any) error, p *pause, where string, args ...any) error {
	tries, reason := 0, ""
	if p.failed {
		tries = 1
	}
	if p.region != "" {
		reason = reasonRegion
	}
	wait, due := fmt.Sprintf("({now}+%d)", p.wait.Milliseconds()), "{now}"
	if p.failed {
		due = wait
	}
	return exec(`UPDATE alexa_outbox SET due_at = CASE WHEN expires_at >= `+wait+` THEN `+wait+` WHEN expires_at > {now}+1000 THEN expires_at ELSE {now}+1000 END,
    tries = tries + $1, region = CASE WHEN $2 = '' THEN region ELSE $3 END, reason = $4
WHERE state < 2 AND due_at <= `+due+` AND `+where,
		append([]any{tries, string(p.region), string(p.region), reason}, args...)...)
}

// lock keeps the leases of the lanes that are still this worker's until the
// transaction ends, and returns their names.
func (w *worker) lock(ctx context.Context, tx *sql.Tx, results []*result) (map[string]bool, error) {
	args := []any{w.holder}
	for _, r := range results {
		args = append(args, r.lane.name)
	}
	rows, err := tx.QueryContext(ctx, w.statement(w.dialect,
		`UPDATE alexa_outbox_leases SET until_at = until_at WHERE holder = $1 AND lane IN (`+placeholders(2, len(results))+`) RETURNING lane`), args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	settled := make(map[string]bool)
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			return nil, err
		}
		settled[name] = true
	}
	return settled, rows.Err()
}
