package alexatest

import "fmt"

// InputError is what the methods of this package panic with if their caller gives
// invalid input, since in a test that is a mistake. See [Try].
type InputError struct{ message string }

func (e *InputError) Error() string { return "alexatest: " + e.message }

func invalid(format string, values ...any) *InputError {
	return &InputError{fmt.Sprintf(format, values...)}
}

// Try calls f and returns the [InputError] that f panics with, nil without one: for a
// program whose input is from a person.
func Try(f func()) (err error) {
	defer func() {
		switch reason := recover().(type) {
		case nil:
		case *InputError:
			err = reason
		default:
			panic(reason)
		}
	}()
	f()
	return nil
}

// must panics on errors that only invalid input can cause.
func must(err error) {
	if err != nil {
		panic(invalid("%s", err))
	}
}
