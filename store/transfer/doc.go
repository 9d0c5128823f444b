// Package transfer imports tables of customers and of grants into a store and exports
// them, as CSV or JSON lines. It reads and writes one row at a time, so a table may be
// larger than the memory.
//
// # Customers
//
// The table is the one that Amazon recommends, with two more columns:
//
//	ID             written by exports, ignored by imports
//	AmazonUserID
//	AccountID      empty: no account is known
//	StartDatetime  empty: not known; then EndDatetime is required, and AccountID must be empty
//	EndDatetime    empty: the record is open
//	SkillID        empty: Import.SkillID
//	EnabledAt      empty: not known
//
// Columns may have any order. A column that is always empty may be missing, and an
// unknown column is an error. Imports also accept Amazon's other spelling, StartDateTime
// and EndDateTime. Times are in RFC 3339, like 2019-09-01T00:00:00Z, or in PostgreSQL's
// format with a time zone.
//
// To export a table of a SQL database:
//
//	SELECT SkillID, AmazonUserID, AccountID, StartDatetime, EndDatetime
//	FROM customers ORDER BY SkillID, AmazonUserID, StartDatetime
//
// The rows of one user of a skill must be together, since they depend on each other. If a
// row ends when another one starts, the user linked another account and did not disable
// the skill. If another row follows an open one, the open one ended there. A user has one
// account at a time: rows that overlap with different accounts are an error. An import
// remembers the users that it has read, in up to 40 bytes each, and returns an error if
// the rows of a user are not together.
//
// Rows before an error remain stored: use [Import.Check] to check a file first. Importing
// a table again restores customers that were erased since.
//
// An export that is imported into another store gives the same users the same accounts at
// the same times. The ID of a record and EnabledAt may differ, since rows contain less
// than the facts that they are derived from. [Facts] copies all facts from store to store.
//
// # Grants
//
//	ClientID       empty: Import.ClientID
//	AccountID
//	LinkID         identifies the customer within the account; empty: a developer's own grant
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
// The columns are the fields of [lwa.Grant]. AccountID and RefreshToken are required.
// Grants of customers also need LinkID and Region, since package gateway sends events only
// with those. The LinkID may be any text that does not change, such as the primary key of
// the row in your database. An import remembers the keys that it has read, as it does
// users, and returns an error for a duplicate.
//
// A row replaces a stored grant only if its access token was issued later, or if Amazon
// has refused the stored refresh token and the row has another one. A row with a refused
// grant replaces nothing. [Import.Observe] reports which rows were stored, and why others
// were not.
//
// # Cut-over
//
// While an old backend still refreshes grants, their refresh tokens may change. Stop it,
// and then import the newest ones. A row with a later IssuedAt replaces the stored grant.
// A row without IssuedAt does so with [Import.Newer], unless the new backend has refreshed
// the grant since the first import: then it is not known which refresh token is newer, and
// Observe reports the row as [KeptUnknown]. To decide, add an IssuedAt.
//
// # Tokens in files
//
// A file of grants contains tokens in plain text, also if the store is in an [lwa.Sealed]:
// anyone who reads it can act for the customers. Restrict access to it, and delete it
// afterwards. [Grants] needs no file.
package transfer
