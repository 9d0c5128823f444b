package envelope

import (
	"bytes"
	"encoding/json"
	"errors"
	"math"
	"strconv"
	"time"
)

// Raw is a JSON value as it stands in a scanned request; nil is an absent or
// null one.
type Raw []byte

var (
	errNotText = errors.New("not a JSON string")
	errNotTime = errors.New("neither an RFC 3339 time nor a number of seconds or milliseconds since 1970")
)

// Text returns the string that the value is, "" for a nil value.
func (r Raw) Text() (string, error) {
	if r == nil {
		return "", nil
	}
	if r[0] != '"' {
		return "", errNotText
	}
	return string(r.bytes()), nil
}

// bytes returns what is between the quotes of a string, escapes resolved. It
// copies only where there are escapes.
func (r Raw) bytes() []byte {
	text := r[1 : len(r)-1]
	if bytes.IndexByte(text, '\\') < 0 {
		return text
	}
	var decoded string
	if err := json.Unmarshal(r, &decoded); err != nil {
		panic("envelope: " + err.Error()) // the scan has accepted the string
	}
	return []byte(decoded)
}

// Time returns the time that the value is: RFC 3339 with or without fractions,
// or a number of milliseconds (from 1e11 on) or seconds since 1970. It returns
// the zero time for a nil value.
func (r Raw) Time() (time.Time, error) {
	if r == nil {
		return time.Time{}, nil
	}
	if r[0] == '"' {
		t, err := time.Parse(time.RFC3339, string(r.bytes()))
		if err != nil {
			return time.Time{}, errNotTime
		}
		return t.UTC(), nil
	}
	const lastYear = 253402300800000 // the year 10000, in milliseconds
	number, err := strconv.ParseFloat(string(r), 64)
	if err != nil || math.Abs(number) >= lastYear {
		return time.Time{}, errNotTime
	}
	if math.Abs(number) < 1e11 {
		number *= 1000
	}
	return time.UnixMilli(int64(math.Round(number))).UTC(), nil
}
