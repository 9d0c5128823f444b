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
//   - A committed event is sent, unless it expires, its grant ends or the gateway
//     refuses it. An event that was rolled back is not sent.
//   - The events of one endpoint for one grant arrive in the order in which they
//     were enqueued. Events of transactions that are open at the same time have no
//     order.
//   - A duplicate is possible, with the same message ID, if a worker dies after the
//     gateway's response and before the commit. A momentary event, such as
//     [gateway.DoorbellPress], arrives at most once, unless
//     [gateway.Sender.RetryMomentary] is set. If the outbox cannot know whether Alexa
//     received it, it becomes a [DeadLetter].
//   - Waiting change reports of one endpoint are merged into one, with the newest
//     sample of each property; see [gateway.Message.Merge]. Changes of contact and
//     motion sensors are not merged in their first ten seconds.
//
// # How it works
//
// An event is one row for each grant. The rows of one endpoint and grant are a lane. A
// worker leases lanes that have due rows, sends their events, one request at a time per
// lane, and stores the results of many lanes in one transaction, at least once a second.
// A lease lasts four seconds and is renewed each second, so a dead worker delays its
// lanes by four seconds at most. A worker that was suspended for longer than its lease
// sends and stores nothing more of the lane.
//
// All times are those of the database. The clocks of the machines may differ.
//
// # When something fails
//
//   - Throttling pauses the grant in all processes, as long as Amazon asks. A failure of
//     Login with Amazon and a wrong configuration pause it too.
//   - After five failures in a row the events of a region wait. Each process sends one
//     of them every two seconds. Once one is accepted, all continue.
//   - After any other failure the lane waits 1, 2, 4 and up to 60 seconds.
//   - An event that the gateway refuses becomes a [DeadLetter]: see [Outbox.Dead],
//     [Outbox.Redrive] and [Outbox.Drop]. If the gateway refuses a merged report, its
//     events are sent one by one.
//   - While the AEAD fails, events wait. An event that cannot be decrypted, while others
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
