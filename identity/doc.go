// Package identity answers which of a backend's accounts an Alexa user is, and
// was.
//
// Amazon names a skill's customers by user IDs: in events, in requests, and in
// what it writes to developers about their customers. Every enablement of a
// skill makes a new user ID, so one account has many over time, and Amazon
// recommends a table of them in its page "Communication Related to your Skill
// Customers". This package keeps that table.
//
// A [Recorder] turns the events SkillEnabled, SkillAccountLinked and
// SkillDisabled into facts in a [Store]. Alexa repeats events and delivers them
// in any order; since a [Record] is derived from the set of facts by [Records],
// the table is the same in the end. Skills without account linking also pass
// their requests to [Recorder.Seen], and an account that they learn of in another
// way to [Recorder.Link].
//
// # Questions
//
//   - Whose was this user ID at that time? [Account].
//   - Which records has this user ID, in any skill? UserRecords of the [Store]
//     with an empty skillID.
//   - Which users has this account, now or ever? AccountRecords of the Store;
//     [Record.Open] tells those of now.
//   - What is held about this account? [Export].
//
// # Erasing
//
// A SkillDisabled event closes a record and deletes nothing: Amazon may ask
// about past customers. If the event says NOT_PERSISTED, the user ID is gone
// for good, and a backend may delete what it keeps under it and call EraseUser.
// A link that Alexa still redelivers then brings its account back, in a closed
// record: where that matters, call EraseUser again after an hour.
//
// To erase an account, delete it in the backend's own database first, so that
// its tokens resolve to [ErrNoAccount] from then on, and call EraseAccount after
// that. [JWT] asks that database only if its field Exists is set. In the other
// order a redelivered event could bring the account back. So could an event that
// is between its look-up and its write at that moment: where that matters, call
// EraseAccount again when the longest request is over.
//
// Erasing keeps the facts of kind [Disabled]. They hold no account, and they
// keep an event that is still being redelivered, which Alexa does for an hour,
// from opening the record again. Purge removes them, and whole users with them,
// open records too: choose its time by how long Amazon may still ask about a
// customer, years rather than days, and never less than two hours ago.
package identity
