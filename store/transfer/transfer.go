package transfer

import (
	"context"
	"errors"

	"github.com/alexaevents/alexaevents"
	"github.com/alexaevents/alexaevents/lwa"
)

// ErrInvalidFile means that a file is not a valid table. The error text names the line
// and the column and never a value. Only a change of the file helps.
var ErrInvalidFile = errors.New("transfer: invalid file")

// Format is the format of a table. Both formats are in UTF-8. A byte order mark is
// ignored.
type Format int

const (
	// CSV is comma-separated values as in RFC 4180. The first line has the names of the
	// columns. A row has at most 1 MiB. Since a spreadsheet may run a cell that begins
	// with =, +, -, @, a tab or a carriage return as a formula, an export adds an
	// apostrophe before it, and an import removes that.
	CSV Format = iota

	// JSONLines is one JSON object of strings and numbers in each line; null means an
	// empty string. A line has at most 1 MiB.
	JSONLines
)

// Import imports tables into stores. It is safe to repeat an import: rows that are stored
// already change nothing.
type Import struct {
	Format Format // zero means CSV

	SkillID  string             // skill of rows of customers without SkillID; empty refuses such rows
	ClientID string             // LWA client of rows of grants without ClientID; empty refuses such rows
	Region   alexaevents.Region // region of rows of grants without Region; empty refuses such rows with a LinkID

	// Check checks the whole table and stores nothing. False stores the rows.
	Check bool

	// Skip is the number of rows that an earlier import of the same file has stored,
	// from its Progress. They are checked and not stored. A file with fewer rows is
	// an [ErrInvalidFile]. Zero stores all rows.
	Skip int

	// Newer says that the grants are newer than those of every earlier import, as in the
	// last import after the old backend has stopped. A grant then also replaces a stored
	// one that was imported without IssuedAt and has not been refreshed since. False
	// keeps the stored one.
	Newer bool

	// Progress is called with the number of rows that are stored so far, including Skip,
	// after one or more users or grants. Nil disables it.
	Progress func(rows int)

	// Observe is called for each grant of a row, whether it was stored or not. Nil
	// disables the call.
	Observe func(context.Context, GrantObservation)
}

// GrantObservation describes what an import did with a grant.
type GrantObservation struct {
	Key  lwa.Key
	Row  int  // number of the row, from 1, including Skip
	Kept Kept // reason why the stored grant was kept; empty if the row was stored
}

// Kept is the reason why a row does not replace a stored grant.
type Kept string

// The reasons to keep a stored grant.
const (
	KeptSame    Kept = "same"    // both have the same refresh token
	KeptNewer   Kept = "newer"   // the access token of the stored grant was issued later, or at the same time
	KeptUnknown Kept = "unknown" // one of the two has no IssuedAt, so it is not known which is newer
	KeptLive    Kept = "live"    // Amazon has refused the refresh token of the row
)

// Export exports tables from stores.
type Export struct {
	Format Format // zero means CSV

	// Progress is called with the number of rows that are written so far, after every
	// 1,000 rows and at the end. Nil disables it.
	Progress func(rows int)
}
