// Package transfer moves tables of customers and of grants into a store and out
// of it, as CSV or JSON lines. Rows are read and written one after another, so a
// table may be larger than the memory.
//
// # Customers
//
// The table is the one that Amazon recommends, with two columns more:
//
//	ID             written, and ignored when it is read
//	AmazonUserID
//	AccountID      empty: no account is known
//	StartDatetime  empty: not known; there must be an EndDatetime and no AccountID
//	EndDatetime    empty: the record is open
//	SkillID        empty: Import.SkillID
//	EnabledAt      empty: not known
//
// Columns are found by their names, in any order; what is not needed may be
// missing, and one of another name is an error. StartDateTime and EndDateTime,
// as Amazon also writes them, are read too. Times are in RFC 3339, like
// 2019-09-01T00:00:00Z, or as PostgreSQL writes those with a time zone.
//
// A table that an SQL database keeps is exported by
//
//	SELECT SkillID, AmazonUserID, AccountID, StartDatetime, EndDatetime
//	FROM customers ORDER BY SkillID, AmazonUserID, StartDatetime
//
// The rows of one user of a skill must stand together, since they are understood
// together: where one ends at the instant at which another starts, the user
// linked another account, and did not disable the skill; and an open row that
// another one follows ended there. A user has one account at a time: rows that say
// otherwise are refused. An import remembers whom it has met, in up to 40 bytes for
// each, and fails on a user whose rows are scattered.
//
// What was stored before an error stays stored: with [Import.Check] a file is read
// for mistakes first. To import a table again brings back whoever was erased since.
//
// What comes out of a store says the same after it went into another one: the
// same users had the same accounts at the same times. The ID of a record and
// EnabledAt may differ, since rows say less than the facts that they are derived
// from. [Facts] copies these themselves from store to store, and loses nothing.
//
// # Grants
//
//	ClientID       empty: Import.ClientID
//	AccountID
//	LinkID         which of the account's customers; empty: a developer's own grant
//	Region         NA, EU or FE; empty: Import.Region; none for a developer's own grant
//	AccessToken
//	RefreshToken
//	IssuedAt       when the access token was issued
//	Expiry         when the access token expires
//	ConfirmedAt
//	RefusedAt
//	DisabledAt
//	ProbedAt
//	Refused
//	CodeHash
//
// The columns are the fields of [lwa.Grant]. AccountID and RefreshToken are
// required, and LinkID and Region for customers: package gateway sends events with
// no other grants. The LinkID may be any text that stays the same, such as the
// row's key where it comes from. An import remembers the keys that it has met, as
// it does users, and fails on one that it meets again.
//
// A grant that is in the store already stays, unless its access token was issued
// before the row's, or Amazon has refused its refresh token and the row has
// another one. One that Amazon has refused replaces none. [Import.Observe] tells
// which rows were stored, and why others were not.
//
// # Cut-over
//
// While an old backend still refreshes grants, their refresh tokens may change. A
// last import, after the old backend has stopped, brings the newest ones. A row
// with a later IssuedAt replaces the stored grant. A row without IssuedAt does so
// with [Import.Newer], unless the new backend has refreshed the grant since the
// first import: then nobody knows which refresh token is newer. Observe reports
// such a row as [KeptUnknown]. Give it an IssuedAt to decide.
//
// # Tokens in files
//
// Such a file holds tokens in the clear, those of a store inside [lwa.Sealed]
// too: whoever reads it can act for the customers. Keep it where nobody else can
// read it, and delete it afterwards. [Grants] needs no file.
package transfer
