package transfer

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
	"unicode/utf8"
)

// maxLine is how many bytes a row may have.
const maxLine = 1 << 20

type jsonReader struct{ lines *bufio.Scanner }

func newJSONReader(r io.Reader) *jsonReader {
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, maxLine+2) // with the line break
	return &jsonReader{lines}
}

func (j *jsonReader) next(r *row) error {
	for j.lines.Scan() && j.lines.Err() == nil { // else the line may be cut off
		r.line++
		if line := bytes.TrimSpace(j.lines.Bytes()); len(line) > 0 {
			return readObject(r, line)
		}
	}
	err := j.lines.Err()
	switch {
	case errors.Is(err, bufio.ErrTooLong):
		r.line++
		return r.invalid("it has more than %d bytes", maxLine)
	case err == nil:
		return errEnd
	}
	return err
}

// readObject takes the members one by one, for encoding/json would keep the last
// of two that have one name.
func readObject(r *row, line []byte) error {
	if line[0] != '{' || !json.Valid(line) || !utf8.Valid(line) {
		return r.invalid("it is not a JSON object in UTF-8")
	}
	tokens := json.NewDecoder(bytes.NewReader(line)) // gives no error on what is valid
	tokens.UseNumber()
	_, _ = tokens.Token()
	for tokens.More() {
		name, _ := tokens.Token()
		value, _ := tokens.Token()
		var text string
		switch value := value.(type) {
		case nil:
		case string:
			text = value
		case json.Number:
			text = value.String()
		default:
			return r.invalid("a member must be a text, a number or null")
		}
		if strings.Contains(text, "\ufffd") && !replacement.Match(line) {
			return r.invalid("a text has half of a surrogate pair")
		}
		if err := r.put(name.(string), text); err != nil {
			return err
		}
	}
	return nil
}

// replacement is the character U+FFFD, which stands for invalid text, plain or
// escaped.
var replacement = regexp.MustCompile(`\x{fffd}|\\u[fF]{3}[dD]`)

type jsonWriter struct{ lines *bufio.Writer }

// write leaves out empty cells.
func (j jsonWriter) write(t table, cells []string) error {
	line := []byte{'{'}
	for i, cell := range cells {
		if cell == "" {
			continue
		}
		if len(line) > 1 {
			line = append(line, ',')
		}
		member, err := json.Marshal(cell)
		if err != nil {
			return err
		}
		line = append(append(append(append(line, '"'), t.columns[i]...), `":`...), member...)
	}
	if line = append(line, '}'); len(line) > maxLine {
		return fmt.Errorf("transfer: a row has more than %d bytes", maxLine)
	}
	_, err := j.lines.Write(append(line, '\n'))
	return err
}

func (j jsonWriter) flush() error { return j.lines.Flush() }
