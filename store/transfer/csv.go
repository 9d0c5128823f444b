package transfer

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
)

type csvReader struct {
	limit *limitedReader
	lines *csv.Reader
	names []string // of the first line; nil before it
}

func newCSVReader(r io.Reader) *csvReader {
	limit := &limitedReader{r, maxLine}
	lines := csv.NewReader(limit)
	lines.ReuseRecord = true
	return &csvReader{limit: limit, lines: lines}
}

func (c *csvReader) next(r *row) error {
	if c.names == nil {
		if err := c.header(r); err != nil {
			return err
		}
	}
	cells, err := c.read(r)
	if err != nil {
		return err
	}
	for i, cell := range cells { // as many as names, which the reader sees to
		if escaped.MatchString(cell) {
			cell = cell[1:]
		}
		if err := r.put(c.names[i], cell); err != nil {
			return err
		}
	}
	return nil
}

func (c *csvReader) header(r *row) error {
	names, err := c.read(r)
	if errors.Is(err, errEnd) {
		return fmt.Errorf("%w: the line with the names of the columns is missing", ErrInvalidFile)
	}
	if err != nil {
		return err
	}
	// If none is known, these are no names but values, which no error may show.
	if !slices.ContainsFunc(names, func(name string) bool { _, known := r.column(name); return known }) {
		return r.invalid("it has none of the columns %s", strings.Join(r.columns, ", "))
	}
	for _, name := range names {
		if err := r.put(name, ""); err != nil {
			return err
		}
	}
	clear(r.cells)
	c.names = slices.Clone(names)
	return nil
}

func (c *csvReader) read(r *row) ([]string, error) {
	cells, err := c.lines.Read()
	c.limit.left = maxLine
	if errors.Is(err, errTooLong) {
		r.line++
		return nil, r.invalid("the row that begins here has more than %d bytes", maxLine)
	}
	if err == io.EOF {
		return nil, errEnd
	}
	if syntax := (*csv.ParseError)(nil); errors.As(err, &syntax) {
		return nil, fmt.Errorf("%w: %w", ErrInvalidFile, err)
	}
	if err == nil {
		r.line, _ = c.lines.FieldPos(0)
	}
	return cells, err
}

var errTooLong = errors.New("too long")

// limitedReader reads so many bytes at most.
type limitedReader struct {
	r    io.Reader
	left int
}

func (l *limitedReader) Read(p []byte) (int, error) {
	if l.left == 0 {
		return 0, errTooLong
	}
	n, err := l.r.Read(p[:min(len(p), l.left)])
	l.left -= n
	return n, err
}

// formula is a cell that a spreadsheet may run, or one that looks like such a cell
// after escaping. Escaping adds one apostrophe, reading takes it away.
var (
	formula = regexp.MustCompile(`^'*[=+\-@\t\r]`)
	escaped = regexp.MustCompile(`^'+[=+\-@\t\r]`)
)

type csvWriter struct{ lines *csv.Writer }

func (c csvWriter) write(t table, cells []string) error {
	for i, cell := range cells {
		if strings.Contains(cell, "\r\n") { // of which a reader makes \n
			return fmt.Errorf("transfer: CSV does not keep the line break in a cell of %s: use JSONLines", t.columns[i])
		}
		if formula.MatchString(cell) {
			cells[i] = "'" + cell
		}
	}
	return c.lines.Write(cells)
}

func (c csvWriter) flush() error {
	c.lines.Flush()
	return c.lines.Error()
}
