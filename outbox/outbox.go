package outbox

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/alexaevents/alexaevents/gateway"
	"github.com/alexaevents/alexaevents/internal/sqldb"
	"github.com/alexaevents/alexaevents/lwa"
	"github.com/alexaevents/alexaevents/store/sqlstore"
)

// Outbox stores events in a database and delivers them to the event gateway. Any number
// of Outboxes, in any number of processes, may share a database. An Outbox is safe for
// concurrent use; its fields must not change once it is in use. Its errors contain no
// account ID.
type Outbox struct {
	// DB is the database with the tables that [Outbox.Migrate] makes. The Outbox
	// never closes it. Required.
	DB *sql.DB

	// Dialect is the kind of database. Required.
	Dialect sqlstore.Dialect

	// Prefix begins the name of each table and index, as that of [sqlstore.Store]
	// does. Empty means "alexa_".
	Prefix string

	// Sender sends the events. Only Run uses it. Required by Run.
	Sender *gateway.Sender

	// AEAD encrypts the events, with the message ID as associated data. Times, event
	// types, account IDs and reasons of failures are not encrypted. Nil stores plain
	// events.
	AEAD lwa.AEAD

	// MaxAge returns the age at which an event expires. Zero or less means the
	// default: 8 seconds for the response to a directive, 30 seconds for a momentary
	// event, a week for AddOrUpdateReport and DeleteReport, and 15 minutes for all
	// other events. Nil means the default for every event.
	MaxAge func(*gateway.Message) time.Duration

	// Workers is the number of lanes that Run works on at a time. Zero means 64.
	Workers int

	// Logger receives one record at Warn for each event that is given up and for each
	// region that begins to fail. Failures of the database are logged at Error once a
	// minute at most, and at Debug in between. Nil disables logging.
	Logger *slog.Logger

	// Observe is called with each outcome, for metrics. Nil disables the call.
	Observe func(context.Context, Observation)
}

// Outcome is the result of an attempt to deliver an event. The text is suitable as a
// metric label.
type Outcome string

// The outcomes of an event.
const (
	Accepted  Outcome = "accepted"  // Alexa accepted the event
	Merged    Outcome = "merged"    // Alexa accepted a change report that contains the event
	Postponed Outcome = "postponed" // the attempt failed; the outbox will retry
	Expired   Outcome = "expired"   // the event was older than its MaxAge, and is deleted
	Ended     Outcome = "ended"     // the grant has ended, and the event is deleted
	Dead      Outcome = "dead"      // the event is kept as a [DeadLetter]
)

// Observation is one outcome of one event.
type Observation struct {
	Event   string        // type of the event, such as "ChangeReport"
	Outcome Outcome       // result of the attempt
	Age     time.Duration // time since Enqueue
	Err     error         // reason of the failure; nil for Accepted, Merged and Expired
}

// Tx is the method of a transaction that Enqueue needs. [*sql.Tx], [*sql.DB] and
// [*sql.Conn] have it; the package documentation shows an adapter for pgx.
type Tx interface {
	ExecContext(ctx context.Context, statement string, args ...any) (sql.Result, error)
}

var errNoTx = errors.New("tx is nil")

// maxAge is how long a message is worth sending.
func (o *Outbox) maxAge(m *gateway.Message) time.Duration {
	if o.MaxAge != nil {
		if age := o.MaxAge(m); age > 0 {
			return age
		}
	}
	switch {
	case m.Correlated():
		return 8 * time.Second // as long as Alexa waits
	case m.Momentary():
		return 30 * time.Second
	case m.Type() == "AddOrUpdateReport", m.Type() == "DeleteReport":
		return 7 * 24 * time.Hour
	}
	return 15 * time.Minute
}

const insertEvents = `
INSERT INTO alexa_outbox (lane, client_id, account_id, link_id, message_id, type, enqueued_at, due_at, expires_at, body) VALUES`

// rowsAtOnce bounds the rows of one INSERT: the databases limit its parameters.
const rowsAtOnce = 500

// Enqueue stores an event for each of the grants, in the caller's transaction: if that is
// rolled back, nothing is sent. It runs one INSERT and waits for no other transaction.
// [gateway.Sender.Keys] returns the keys of an account's grants; call it before the
// transaction begins. Without keys, Enqueue stores nothing.
//
// The error is a [*gateway.InvalidError] if the gateway would refuse the event, or if the
// event responds to a directive and there are several keys. Other errors are those of the
// database and the AEAD.
func (o *Outbox) Enqueue(ctx context.Context, tx Tx, event gateway.Event, keys ...lwa.Key) error {
	d, err := o.dialect()
	if err == nil && tx == nil {
		err = errNoTx
	}
	if err != nil {
		return wrap("enqueue", err)
	}
	for some := range slices.Chunk(keys, rowsAtOnce) {
		var statement strings.Builder
		statement.WriteString(insertEvents)
		args := make([]any, 0, 9*len(some))
		for i, key := range some {
			m, err := gateway.NewMessage(event)
			if err != nil {
				return err
			}
			if m.Correlated() && len(keys) > 1 {
				return &gateway.InvalidError{Field: m.Type(), Rule: "responds to the directive of one customer: it goes to one grant"}
			}
			body, err := json.Marshal(m)
			if err == nil && o.AEAD != nil {
				body, err = o.AEAD.Encrypt(body, []byte(m.ID()))
			}
			if err != nil {
				return wrap("enqueue", fmt.Errorf("encode the event: %w", err))
			}
			if i > 0 {
				statement.WriteByte(',')
			}
			n := len(args)
			fmt.Fprintf(&statement, "($%d,$%d,$%d,$%d,$%d,$%d,{now},{now},{now}+$%d,$%d)", n+1, n+2, n+3, n+4, n+5, n+6, n+7, n+8)
			args = append(args, m.Group(key), key.ClientID, key.AccountID, key.LinkID, m.ID(), m.Type(), o.maxAge(m).Milliseconds(), body)
		}
		if _, err := tx.ExecContext(ctx, o.statement(d, statement.String()), args...); err != nil {
			return wrap("enqueue", d.Advise(err))
		}
	}
	return nil
}

// EraseAccount deletes all events of an account, dead letters too, in the caller's
// transaction. An event that is being sent at that time may still arrive.
func (o *Outbox) EraseAccount(ctx context.Context, tx Tx, accountID string) error {
	d, err := o.dialect()
	if err == nil && tx == nil {
		err = errNoTx
	}
	if err == nil {
		_, err = tx.ExecContext(ctx, o.statement(d, `DELETE FROM alexa_outbox WHERE account_id = $1`), accountID)
		err = d.Advise(err)
	}
	return wrap("erase an account", err)
}

// dialect fails if a field is missing or invalid.
func (o *Outbox) dialect() (sqldb.Dialect, error) {
	d, known := sqldb.Dialects[string(o.Dialect)]
	switch {
	case o.DB == nil:
		return d, errors.New("Outbox.DB is nil")
	case !known:
		return d, fmt.Errorf("unknown Outbox.Dialect %q", string(o.Dialect))
	}
	return d, sqldb.CheckPrefix(o.Prefix)
}

// statement puts the prefix and the database's time into a statement.
func (o *Outbox) statement(d sqldb.Dialect, text string) string {
	return strings.ReplaceAll(sqldb.Named(o.Prefix, text), "{now}", d.Now)
}

func wrap(task string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("outbox: %s: %w", task, err)
}

// placeholders returns the parameters from number first on, for an IN list.
func placeholders(first, n int) string {
	var list strings.Builder
	for i := range n {
		if i > 0 {
			list.WriteByte(',')
		}
		list.WriteString("$" + strconv.Itoa(first+i))
	}
	return list.String()
}

// query calls row for each row that the statement returns.
func (o *Outbox) query(ctx context.Context, d sqldb.Dialect, row func(scan func(...any) error) error, statement string, args ...any) error {
	rows, err := o.DB.QueryContext(ctx, o.statement(d, statement), args...)
	if err != nil {
		return d.Advise(err)
	}
	defer rows.Close()
	for rows.Next() {
		if err := row(rows.Scan); err != nil {
			return err
		}
	}
	return rows.Err()
}
