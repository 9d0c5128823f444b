package transfer

import (
	"errors"

	"github.com/alexaevents/alexaevents"
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
	// the columns. A row has at most 1 MiB.
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

	// Progress is told how many rows are stored so far, those of Skip included,
	// after each user or grant or after several. Nil tells nobody.
	Progress func(rows int)
}

// Export writes tables from stores.
type Export struct {
	Format Format // zero is CSV

	// Progress is told how many rows are written so far, now and then and at the
	// end. Nil tells nobody.
	Progress func(rows int)
}
