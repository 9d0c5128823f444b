package transfer

import (
	"bufio"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"iter"
	"regexp"
	"slices"
	"strings"
	"time"
)

// columnName matches names that an error may show.
var columnName = regexp.MustCompile(`^[A-Za-z_]{1,40}$`)

// table describes a table.
type table struct {
	columns []string          // in the order of exports
	aliases map[string]string // other names that imports accept
}

// column returns the column with a name or an alias.
func (t table) column(name string) (column string, known bool) {
	if alias, ok := t.aliases[name]; ok {
		name = alias
	}
	return name, slices.Contains(t.columns, name)
}

// row is one row of a table.
type row struct {
	table
	line  int
	cells map[string]string // by column; missing ones are absent
}

func (r row) invalid(format string, args ...any) error {
	return fmt.Errorf("%w: line %d: "+format, append([]any{ErrInvalidFile, r.line}, args...)...)
}

// put adds a cell. An unknown name is an error, since it may be a misspelled column.
func (r row) put(name, text string) error {
	column, known := r.column(name)
	if !known && columnName.MatchString(name) {
		return r.invalid("%q is not one of the columns %s", name, strings.Join(r.columns, ", "))
	}
	if !known { // it may be a value
		return r.invalid("a name is not one of the columns %s", strings.Join(r.columns, ", "))
	}
	if _, twice := r.cells[column]; twice {
		return r.invalid("the column %s occurs twice", column)
	}
	r.cells[column] = text
	return nil
}

// time returns a time as stores keep it, the zero time for an empty cell.
func (r row) time(column string) (time.Time, error) {
	text := r.cells[column]
	if text == "" {
		return time.Time{}, nil
	}
	var at time.Time
	var err error
	for _, layout := range []string{time.RFC3339, "2006-01-02 15:04:05Z07:00", "2006-01-02 15:04:05Z07"} { // these two are PostgreSQL's
		if at, err = time.Parse(layout, text); err == nil {
			break
		}
	}
	at = at.UTC().Truncate(time.Millisecond)
	if err != nil || at.IsZero() || at.Year() < 1 || at.Year() > 9999 {
		return time.Time{}, r.invalid("%s is not a time in RFC 3339", column)
	}
	return at, nil
}

// rows yields the rows of a table, each valid until the next. An error comes once, alone
// and last.
func (f Format) rows(r io.Reader, t table) iter.Seq2[row, error] {
	return func(yield func(row, error) bool) {
		next, err := f.reader(r)
		this := row{table: t, cells: make(map[string]string)}
		for err == nil {
			clear(this.cells)
			if err = next(&this); err == nil && !yield(this, nil) {
				return
			}
		}
		if errors.Is(err, errEnd) {
			return
		}
		if !errors.Is(err, ErrInvalidFile) {
			err = fmt.Errorf("transfer: read: %w", err)
		}
		yield(row{}, err)
	}
}

// errEnd means that there is no further row. It is not io.EOF, since an error of the
// source may wrap that.
var errEnd = errors.New("end of the rows")

// reader returns a function that reads the next row into an empty one, and returns errEnd
// after the last.
func (f Format) reader(r io.Reader) (next func(*row) error, err error) {
	buffered := bufio.NewReader(r)
	start, err := buffered.Peek(len(byteOrderMark))
	if err != nil && err != io.EOF {
		return nil, err
	}
	if string(start) == byteOrderMark {
		_, _ = buffered.Discard(len(byteOrderMark))
	}
	switch f {
	case CSV:
		return newCSVReader(buffered).next, nil
	case JSONLines:
		return newJSONReader(buffered).next, nil
	}
	return nil, errUnknownFormat
}

const byteOrderMark = "\ufeff"

var errUnknownFormat = errors.New("unknown format")

// rowsPerFlush is the number of rows between two calls of Progress.
const rowsPerFlush = 1000

// output writes the rows of a table.
type output struct {
	table
	format   rowWriter
	rows     int
	progress func(rows int)
}

// rowWriter writes rows. The cells of a row are in the order of the table's columns.
type rowWriter interface {
	write(t table, cells []string) error
	flush() error
}

func (e *Export) output(w io.Writer, t table) (*output, error) {
	o := &output{table: t, progress: e.Progress}
	switch e.Format {
	case CSV:
		o.format = csvWriter{csv.NewWriter(w)}
		return o, o.format.write(t, t.columns)
	case JSONLines:
		o.format = jsonWriter{bufio.NewWriter(w)}
		return o, nil
	}
	return nil, errUnknownFormat
}

func (o *output) write(cells ...string) error {
	if err := o.format.write(o.table, cells); err != nil {
		return fmt.Errorf("transfer: write: %w", err)
	}
	if o.rows++; o.rows%rowsPerFlush == 0 {
		return o.flush()
	}
	return nil
}

func (o *output) flush() error {
	if err := o.format.flush(); err != nil {
		return fmt.Errorf("transfer: write: %w", err)
	}
	if o.progress != nil {
		o.progress(o.rows)
	}
	return nil
}

// timeText formats a time for exports; the zero time is empty.
func timeText(at time.Time) string {
	if at.IsZero() {
		return ""
	}
	return at.UTC().Format(time.RFC3339Nano)
}
