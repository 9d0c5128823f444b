// Package outbox delivers events to the Alexa event gateway from the backend's own
// database. A backend enqueues an event in the transaction of its own change; the
// event reaches the gateway even if the process ends, the gateway throttles, or a
// region fails for a while. One process on SQLite needs no server; any number of
// machines can share PostgreSQL.
//
//	box := &outbox.Outbox{DB: db, Dialect: sqlstore.SQLite, Sender: sender}
//	if err := box.Migrate(ctx); err != nil {
//		...
//	}
//	go box.Run(ctx)
//
// Where a device changes:
//
//	keys, err := sender.Keys(ctx, accountID) // before the transaction begins
//	...
//	tx, err := db.BeginTx(ctx, nil)
//	...
//	_, err = tx.ExecContext(ctx, "UPDATE lamps SET power = $1 WHERE id = $2", "ON", "lamp-1")
//	...
//	err = box.Enqueue(ctx, tx, &gateway.ChangeReport{...}, keys...)
//	...
//	err = tx.Commit()
//
// # What is guaranteed
//
//   - What was committed is sent, unless it expires, its grant ends or the gateway
//     refuses it. What was rolled back is not.
//   - The events of one endpoint for one grant arrive in the order in which they
//     were enqueued. Events of transactions that are open at the same time have no
//     order.
//   - An event may arrive more than once, with the same message ID, if a worker ends
//     between the gateway's response and the database's. A momentary event, such as
//     [gateway.DoorbellPress], arrives at most once, unless
//     [gateway.Sender.RetryMomentary] is set: if it is not known whether Alexa got
//     it, it becomes a [DeadLetter].
//   - Change reports of an endpoint that wait together become one, with the newest
//     sample of each property; see [gateway.Message.Merge]. The edges of contact and
//     motion sensors stay apart for ten seconds.
//
// # How it works
//
// Each event is a row for each grant. The rows of one endpoint and grant are a lane.
// A worker leases lanes in which something is due, sends what waits in them, one
// request at a time in each lane, and stores what came of many lanes in one
// transaction, after a second at the latest. A lease lasts four seconds and is renewed each second, so a dead
// worker holds up its lanes no longer than that. A worker that stood still for longer
// than its lease sends nothing more of the lane, and stores nothing.
//
// All times are those of the database, so the clocks of the machines need not agree.
//
// # When something fails
//
//   - Throttling makes the grant wait, in all processes, as long as Amazon says. So
//     does Login with Amazon, and what the operator must mend.
//   - After five failures in a row, the events of a region wait. Each process sends
//     one of them every two seconds to find out whether the region is back; then all
//     go on at once.
//   - Other failures make the lane wait 1, 2, 4 and up to 60 seconds.
//   - An event that the gateway refuses becomes a [DeadLetter]: see [Outbox.Dead],
//     [Outbox.Redrive] and [Outbox.Drop]. If the gateway refuses a merged report, its
//     events are sent one by one.
//   - While the AEAD fails, events wait. One that cannot be decrypted, though others
//     of its lane can, becomes a DeadLetter.
//
// # Transactions of pgx
//
// Enqueue needs one method of a transaction. For pgx:
//
//	type pgxTx struct{ pgx.Tx }
//
//	func (tx pgxTx) ExecContext(ctx context.Context, statement string, args ...any) (sql.Result, error) {
//		_, err := tx.Exec(ctx, statement, args...)
//		return nil, err
//	}
//
// # Erasure
//
// Delete a customer's events with [Outbox.EraseAccount], in the transaction that
// deletes the customer.
package outbox
