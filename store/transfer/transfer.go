package transfer

import (
	"context"
	"errors"

	"github.com/alexaevents/alexaevents"
	"github.com/alexaevents/alexaevents/lwa"
)

// ErrInvalidFile says that a file is not the table that it should be. The error's
// text names the line and the column, never a value. It stays until the file is
// changed.
var ErrInvalidFile = errors.New("transfer: invalid file")

// Format is how a table is written. Both are in UTF-8, and a byte order mark is
// passed over.
type Format int

const (
	// CSV is comma-separated values of RFC 4180. The first line has the names of
	// the columns. A row has at most 1 MiB. A spreadsheet may run a cell that begins
	// with =, +, -, @, a tab or a carriage return as a formula: such a cell is
	// written with an apostrophe before it, which is removed when it is read.
	CSV Format = iota

	// JSONLines is one JSON object in each line, of texts and numbers; null is
	// the same as an empty text. A line has at most 1 MiB.
	JSONLines
)

// Import reads tables into stores. An import may be repeated, as a whole or in
// part: what is stored already changes nothing.
type Import struct {
	Format Format // zero is CSV

	SkillID  string             // the skill of customers whose row names none; empty refuses such rows
	ClientID string             // the LWA client of grants whose row names none; empty refuses such rows
	Region   alexaevents.Region // the region of grants whose row names none; empty refuses those with a LinkID

	// Check reads the whole table for mistakes and stores nothing. False stores.
	Check bool

	// Skip is the number of rows that an earlier import of the same file has
	// stored, as its Progress told. These are checked and not stored; a file
	// with fewer rows is [ErrInvalidFile]. Zero stores all.
	Skip int

	// Newer says that the grants are newer than those of every earlier import, as
	// those are that a last import brings before the old backend stops. A grant then
	// also replaces a stored one that was imported without IssuedAt and has not been
	// refreshed since. False keeps the stored one.
	Newer bool

	// Progress is told how many rows are stored so far, those of Skip included,
	// after each user or grant or after several. Nil tells nobody.
	Progress func(rows int)

	// Observe is called for each grant that is stored, or kept out by the one in the
	// store. Nil is not called.
	Observe func(context.Context, GrantObservation)
}

// GrantObservation tells what an import did with a grant.
type GrantObservation struct {
	Key  lwa.Key
	Row  int  // the grant's number, from 1; those of Skip count
	Kept Kept // why the stored grant stayed; empty if the grant of the row was stored
}

// Kept is why a stored grant stays, and that of a row does not replace it.
type Kept string

// The reasons to keep a stored grant.
const (
	KeptSame    Kept = "same"    // both have the same refresh token
	KeptNewer   Kept = "newer"   // the access token of the stored grant was issued later, or at the same time
	KeptUnknown Kept = "unknown" // one of the two has no IssuedAt, so nobody knows which is newer
	KeptLive    Kept = "live"    // Amazon has refused the refresh token of the row
)

// Export writes tables from stores.
type Export struct {
	Format Format // zero is CSV

	// Progress is told how many rows are written so far, now and then and at the
	// end. Nil tells nobody.
	Progress func(rows int)
}
