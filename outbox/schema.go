package outbox

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/alexaevents/alexaevents/internal/sqldb"
	"github.com/alexaevents/alexaevents/store/sqlstore"
)

// ErrNewerSchema means that a later version of this package has migrated the
// database.
var ErrNewerSchema = sqldb.ErrNewer

// The states of a row.
const (
	stateWaiting = 0
	stateBegun   = 1 // a momentary event: Alexa may get it
	stateDead    = 2
)

const version1 = `
-- Version 1: the events that wait, and who works on which of them.

CREATE TABLE alexa_outbox_schema (
    version integer NOT NULL PRIMARY KEY CHECK (version > 0) -- one row for each version applied
);

INSERT INTO alexa_outbox_schema (version) VALUES (1);

-- One row for each event and grant. Times are milliseconds since
-- 1970-01-01T00:00:00Z, by the clock of the database.
CREATE TABLE alexa_outbox (
    id          {id},
    lane        text     NOT NULL,            -- a hash of the grant and the endpoint
    client_id   text     NOT NULL,
    account_id  text     NOT NULL,
    link_id     text     NOT NULL,
    message_id  text     NOT NULL,
    type        text     NOT NULL,            -- such as 'ChangeReport'
    state       smallint NOT NULL DEFAULT 0,  -- 0 waits, 1 a momentary event that Alexa may have got, 2 dead
    enqueued_at bigint   NOT NULL,
    due_at      bigint   NOT NULL,            -- when to try next
    expires_at  bigint   NOT NULL,
    ended_at    bigint   NOT NULL DEFAULT 0,  -- when it died
    tries       integer  NOT NULL DEFAULT 0,  -- attempts that failed
    region      text     NOT NULL DEFAULT '', -- of the grant, once an attempt has failed
    reason      text     NOT NULL DEFAULT '', -- why it waits or is dead
    body        {bytes}  NOT NULL             -- a gateway.Message, encrypted if there is an AEAD
);

CREATE INDEX alexa_outbox_due ON alexa_outbox (due_at, id) WHERE state < 2;
CREATE INDEX alexa_outbox_lane ON alexa_outbox (lane, id) WHERE state < 2;
CREATE INDEX alexa_outbox_account ON alexa_outbox (account_id, due_at);
CREATE INDEX alexa_outbox_dead ON alexa_outbox (id) WHERE state = 2;

-- One row for each lane that a worker works on, and for each grant that waits.
CREATE TABLE alexa_outbox_leases (
    lane     text   NOT NULL PRIMARY KEY,
    holder   text   NOT NULL,                 -- a worker, or '' for a grant that waits
    until_at bigint NOT NULL                  -- when the lease ends unless the worker renews it
);
`

// Schema returns the SQL that [Outbox.Migrate] runs on an empty database, for programs
// that have migrations of their own. Migrate recognizes a database that was created
// with it. Schema is empty for an unknown dialect.
func Schema(dialect sqlstore.Dialect) string { return strings.Join(steps(dialect), "\n") }

func steps(dialect sqlstore.Dialect) []string {
	var types *strings.Replacer
	switch dialect {
	case sqlstore.SQLite:
		types = strings.NewReplacer("{id}", "integer PRIMARY KEY AUTOINCREMENT", "{bytes}", "blob")
	case sqlstore.Postgres:
		types = strings.NewReplacer("{id}", "bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY", "{bytes}", "bytea")
	default:
		return nil
	}
	return []string{types.Replace(version1)}
}

// Migrate creates the tables in an empty database, and updates older ones. Call it when
// the program starts: several processes may do so at once, and if the schema is current,
// nothing happens. A migration happens completely or not at all. The error is
// [ErrNewerSchema] if a later version of this package has migrated the database.
//
// The database may be that of [sqlstore.Store]: the two share no table.
func (o *Outbox) Migrate(ctx context.Context) error {
	d, err := o.dialect()
	if err != nil {
		return wrap("migrate", err)
	}
	schema := sqldb.Schema{Table: sqldb.Named(o.Prefix, "alexa_outbox_schema")}
	for _, step := range steps(o.Dialect) {
		schema.Steps = append(schema.Steps, sqldb.Named(o.Prefix, step))
	}
	err = sqldb.Retry(ctx, time.Now(), d.Busy, func() error { return schema.Migrate(ctx, o.DB, d) })
	if err != nil {
		err = fmt.Errorf("outbox: migrate: %w", err)
	}
	return err
}
