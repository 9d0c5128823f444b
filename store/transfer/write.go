package transfer

import (
	"bufio"
	"encoding/csv"
	"fmt"
	"io"
	"time"
)

// rowsPerFlush is after how many rows an export tells its progress.
const rowsPerFlush = 1000

// output writes the rows of a table.
type output struct {
	table
	format   rowWriter
	rows     int
	progress func(rows int)
}

// rowWriter writes the cells of a row, which are those of the columns of its
// table.
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

// timeText is a time as it is written, empty for the zero time.
func timeText(at time.Time) string {
	if at.IsZero() {
		return ""
	}
	return at.UTC().Format(time.RFC3339Nano)
}
