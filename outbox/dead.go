package outbox

import (
	"context"
	"iter"
	"time"

	"github.com/alexaevents/alexaevents"
	"github.com/alexaevents/alexaevents/lwa"
)

// DeadLetter is an event that the outbox does not send any more: the gateway refused it,
// it cannot be decrypted, or it is momentary and may have arrived. It is kept until
// Redrive or Drop.
type DeadLetter struct {
	ID         int64     // number in this outbox
	Key        lwa.Key   // grant; its IDs are personal data
	MessageID  string    // message ID of all attempts
	Event      string    // type of the event, such as "ChangeReport"
	Reason     string    // text of the error
	EnqueuedAt time.Time // time of Enqueue, by the database's clock
	EndedAt    time.Time // time of the last attempt, by the database's clock
}

const selectDead = `
SELECT id, client_id, account_id, link_id, message_id, type, reason, enqueued_at, ended_at
FROM alexa_outbox WHERE state = 2 AND id > $1 ORDER BY id LIMIT $2`

// Dead yields the dead letters, oldest first. It reads a page at a time and holds no
// connection between pages. An error comes once, alone and last.
func (o *Outbox) Dead(ctx context.Context) iter.Seq2[DeadLetter, error] {
	return func(yield func(DeadLetter, error) bool) {
		d, err := o.dialect()
		for last := int64(0); err == nil; {
			var page []DeadLetter
			err = o.query(ctx, d, func(scan func(...any) error) error {
				var l DeadLetter
				var enqueued, ended int64
				err := scan(&l.ID, &l.Key.ClientID, &l.Key.AccountID, &l.Key.LinkID, &l.MessageID, &l.Event, &l.Reason, &enqueued, &ended)
				l.EnqueuedAt, l.EndedAt = time.UnixMilli(enqueued).UTC(), time.UnixMilli(ended).UTC()
				page = append(page, l)
				return err
			}, selectDead, last, rowsAtOnce)
			if err != nil {
				break
			}
			for _, l := range page {
				if last = l.ID; !yield(l, nil) {
					return
				}
			}
			if len(page) < rowsAtOnce {
				return
			}
		}
		yield(DeadLetter{}, wrap("list dead letters", err))
	}
}

// Redrive makes the outbox send a dead letter again, until its MaxAge has passed once
// more, and reports whether the dead letter existed. Later events of the endpoint may
// have arrived already: an old state may replace a newer one.
func (o *Outbox) Redrive(ctx context.Context, id int64) (bool, error) {
	return o.change(ctx, "redrive", `UPDATE alexa_outbox SET state = 0, tries = 0, reason = '', ended_at = 0,
    due_at = {now}, expires_at = {now} + expires_at - enqueued_at WHERE state = 2 AND id = $1`, id)
}

// Drop deletes a dead letter, and reports whether it existed.
func (o *Outbox) Drop(ctx context.Context, id int64) (bool, error) {
	return o.change(ctx, "drop", `DELETE FROM alexa_outbox WHERE state = 2 AND id = $1`, id)
}

func (o *Outbox) change(ctx context.Context, task, statement string, args ...any) (bool, error) {
	d, err := o.dialect()
	if err != nil {
		return false, wrap(task, err)
	}
	changed, err := o.DB.ExecContext(ctx, o.statement(d, statement), args...)
	if err != nil {
		return false, wrap(task, d.Advise(err))
	}
	n, err := changed.RowsAffected()
	return n > 0, wrap(task, err)
}

// Stats counts the events of a region.
type Stats struct {
	// Region is empty for events that have not failed with an error of the gateway.
	Region alexaevents.Region

	Waiting int64         // number of events to deliver
	Dead    int64         // number of dead letters
	Oldest  time.Duration // age of the oldest event to deliver; zero without one
	Died    time.Duration // time since the last attempt of the oldest dead letter; zero without one
}

// Stats counts what is in the outbox, by region. It reads the whole table: with a
// million events it takes about a second.
func (o *Outbox) Stats(ctx context.Context) ([]Stats, error) {
	d, err := o.dialect()
	if err != nil {
		return nil, wrap("count events", err)
	}
	var all []Stats
	err = o.query(ctx, d, func(scan func(...any) error) error {
		var s Stats
		var where string
		var oldest, died int64
		err := scan(&where, &s.Waiting, &s.Dead, &oldest, &died)
		s.Region, s.Oldest, s.Died = region(where), milliseconds(oldest), milliseconds(died)
		all = append(all, s)
		return err
	}, `SELECT region, sum(CASE WHEN state < 2 THEN 1 ELSE 0 END), sum(CASE WHEN state = 2 THEN 1 ELSE 0 END),
    coalesce({now} - min(CASE WHEN state < 2 THEN enqueued_at END), 0), coalesce({now} - min(CASE WHEN state = 2 THEN ended_at END), 0)
FROM alexa_outbox GROUP BY region ORDER BY region`)
	return all, wrap("count events", err)
}
