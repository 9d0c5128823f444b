// Package identity stores which account of a backend each Alexa user ID belongs
// to, now and in the past. It is the user ID mapping of a skill with account
// linking, also called an IdentityStore.
//
// Amazon identifies the customers of a skill by user IDs: in events, in requests
// and in its messages to developers. Each time a customer enables a skill, Alexa
// assigns a new user ID, so an account has several over time. Amazon recommends a
// table of them in its page "Communication Related to your Skill Customers". This
// package keeps that table.
//
// A [Recorder] turns the events SkillEnabled, SkillAccountLinked and
// SkillDisabled into facts in a [Store]. Alexa repeats events and delivers them
// out of order. [Records] derives each [Record] from the set of facts, so the order
// and the repetition of events do not matter. A skill without account linking also
// passes its requests to [Recorder.Seen], and calls [Recorder.Link] when it learns
// the account of a user.
//
// # Looking up
//
//   - The account that a user ID belongs to, now or at a given time: [Account].
//   - The records of a user ID in every skill: UserRecords of the [Store] with an
//     empty skillID.
//   - The user IDs of an account, now and in the past: AccountRecords of the Store.
//     [Record.Open] reports whether a record is current.
//   - Everything that is stored about an account: [Export].
//
// # Erasing
//
// A SkillDisabled event closes a record and deletes nothing, since Amazon may ask
// about past customers. If the event says NOT_PERSISTED, Alexa never uses the user
// ID again: a backend may delete what it stores under that ID and call EraseUser.
// If Alexa then redelivers a SkillAccountLinked event, its account is stored again,
// in a closed record. To prevent that, call EraseUser again after an hour.
//
// To erase an account, first delete it in the backend's own database, so that its
// tokens resolve to [ErrNoAccount], and then call EraseAccount. [JWT] checks that
// database only if its field Exists is set. In the other order, a redelivered event
// could store the account again. So could an event that is being processed at that
// moment: to prevent that, call EraseAccount again when the longest request is over.
//
// Erasing keeps the facts of kind [Disabled]. They contain no account. They keep an
// event that Alexa still redelivers, which it does for an hour, from opening the
// record again. Purge removes all facts of old users, open records included. Choose
// its time by how long Amazon may ask about a customer: years rather than days, and
// never less than two hours ago.
package identity
