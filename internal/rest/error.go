package rest

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"

	"github.com/alexaevents/alexaevents/internal/redact"
)

// Error is a request that did not succeed. It holds nothing of the request.
type Error struct {
	Status     int         // of HTTP; zero if there was no answer
	Code       string      // the answer's own code, if it has one
	Message    string      // the answer's own words, if it has any
	Violations []Violation // the rules that the request broke, if the answer lists them
	RequestID  string      // of the header X-Amzn-RequestId

	// Temporary says that a later try may succeed: the connection broke, or the
	// answer was 408, 429, 500, 502, 503, 504, or a success without use.
	Temporary bool

	cause  error       // why there was no answer
	header http.Header // of the answer
}

// Violation is a rule that a request broke.
type Violation struct{ Code, Message string }

// Error says what the answer was, or why there was none.
func (e *Error) Error() string {
	var text strings.Builder
	switch {
	case e.cause != nil:
		fmt.Fprintf(&text, "no answer: %v", e.cause)
	default:
		fmt.Fprintf(&text, "%d %s", e.Status, http.StatusText(e.Status))
	}
	for _, words := range append([]Violation{{e.Code, e.Message}}, e.Violations...) {
		for _, word := range [...]string{words.Code, words.Message} {
			if word != "" {
				text.WriteString(": " + word)
			}
		}
	}
	if e.RequestID != "" {
		text.WriteString(" (request " + e.RequestID + ")")
	}
	return text.String()
}

// Unwrap returns why there was no answer, nil if there was one.
func (e *Error) Unwrap() error { return e.cause }

// refusal reads an answer without success. Whatever the body is, it is no error
// of its own.
func refusal(response *http.Response, body []byte) *Error {
	var answer struct {
		Code       any
		Message    any
		Violations []struct{ Code, Message any }
	}
	_ = json.Unmarshal(body, &answer)
	e := &Error{
		Status:    response.StatusCode,
		Code:      printable(answer.Code),
		Message:   printable(answer.Message),
		RequestID: requestID(response.Header),
		Temporary: slices.Contains([]int{408, 429, 500, 502, 503, 504}, response.StatusCode),
		header:    response.Header,
	}
	for _, violation := range answer.Violations[:min(len(answer.Violations), 20)] {
		e.Violations = append(e.Violations, Violation{printable(violation.Code), printable(violation.Message)})
	}
	return e
}

func requestID(header http.Header) string { return printable(header.Get("X-Amzn-RequestId")) }

// printable returns a text or number of an answer as one short line.
func printable(value any) string {
	switch value.(type) {
	case string, float64:
	default:
		return ""
	}
	return redact.Text(fmt.Sprint(value))
}

// isFault tells a broken connection from a decision of the client's own, such as
// having no access token.
func isFault(err error) bool {
	var netErr net.Error
	return errors.As(err, &netErr) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
}
