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

// Outbox keeps events in a database and delivers them to the event gateway. Any
// number of them, in any number of processes, may share a database. It is safe for
// concurrent use; its fields must not change once it is in use. Its errors name no
// account.
type Outbox struct {
	// DB is the database with the tables that [Outbox.Migrate] makes. The Outbox
	// never closes it. Required.
	DB *sql.DB

	// Dialect is the kind of database. Required.
	Dialect sqlstore.Dialect

	// Prefix begins the name of each table and index, in place of "alexa_", as
	// that of [sqlstore.Store] does. Empty is "alexa_".
	Prefix string

	// Sender sends the events. Only Run uses it. Required by Run.
	Sender *gateway.Sender

	// AEAD encrypts the events, with the message ID as associated data. Times,
	// event types, accounts and the states of delivery are not encrypted. Nil
	// stores the events as they are.
	AEAD lwa.AEAD

	// MaxAge returns how long after Enqueue an event is worth sending. Zero, as a
	// nil MaxAge, is 30 seconds for a momentary event, 8 seconds for the response
	// to a directive, a week for AddOrUpdateReport and DeleteReport, and 15 minutes
	// for everything else.
	MaxAge func(*gateway.Message) time.Duration

	// Workers is how many lanes Run works on at a time. Zero is 64.
	Workers int

	// Logger receives one record at Warn for each event that is not delivered, and
	// for each region that fails, and one at Error, at most once a minute, while the
	// database fails. Nil disables logging.
	Logger *slog.Logger

	// Observe is called when something becomes of an event, for metrics. Nil
	// disables it.
	Observe func(context.Context, Observation)
}

// Outcome is what became of an event. The text is fit for a metric's label.
type Outcome string

// The outcomes.
const (
	Accepted  Outcome = "accepted"  // Alexa accepted it
	Merged    Outcome = "merged"    // Alexa accepted a later change report of the endpoint, which contains it
	Postponed Outcome = "postponed" // an attempt failed, and another one follows
	Expired   Outcome = "expired"   // it was not delivered within its MaxAge, and is deleted
	Ended     Outcome = "ended"     // its grant has ended, and it is deleted
	Dead      Outcome = "dead"      // it is kept as a [DeadLetter]
)

// Observation tells what became of one event.
type Observation struct {
	Event   string        // its type, such as "ChangeReport"
	Outcome Outcome       //
	Age     time.Duration // since Enqueue
	Err     error         // why it was not accepted; nil for Accepted, Merged and Expired
}

// Tx is what Enqueue needs of a transaction. [*sql.Tx] has it, and so have [*sql.DB]
// and [*sql.Conn]; the package documentation shows it for pgx.
type Tx interface {
	ExecContext(ctx context.Context, statement string, args ...any) (sql.Result, error)
}

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

// Enqueue stores an event for each of the grants, as a part of the transaction:
// if that is rolled back, nothing is sent. It is one INSERT, and waits for no other
// transaction. [gateway.Sender.Keys] returns the keys of an account's grants; call it
// before the transaction begins. Without keys, nothing is stored.
//
// The errors are [*gateway.InvalidError] for an event that the gateway would refuse
// or for the response to a directive with several keys, and those of the database
// and the AEAD.
func (o *Outbox) Enqueue(ctx context.Context, tx Tx, event gateway.Event, keys ...lwa.Key) error {
	d, err := o.dialect()
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
			return wrap("enqueue", o.advise(d, err))
		}
	}
	return nil
}

// EraseAccount deletes all events of an account, dead ones too, as a part of the
// transaction. An event that is being sent meanwhile may still arrive.
func (o *Outbox) EraseAccount(ctx context.Context, tx Tx, accountID string) error {
	d, err := o.dialect()
	if err == nil {
		_, err = tx.ExecContext(ctx, o.statement(d, `DELETE FROM alexa_outbox WHERE account_id = $1`), accountID)
		err = o.advise(d, err)
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

// advise says what to do about a missing table.
func (o *Outbox) advise(d sqldb.Dialect, err error) error {
	if err != nil && d.NoSchema(err) {
		return fmt.Errorf("%w: call Migrate first, with the same Prefix", err)
	}
	return err
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
		return o.advise(d, err)
	}
	defer rows.Close()
	for rows.Next() {
		if err := row(rows.Scan); err != nil {
			return err
		}
	}
	return rows.Err()
}
