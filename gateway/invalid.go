package gateway

import "errors"

// ErrInvalidEvent is what every [*InvalidError] is.
var ErrInvalidEvent = errors.New("gateway: invalid event")

// InvalidError refuses an event that the gateway would call malformed, without
// saying why. Its text holds no values.
type InvalidError struct {
	Field string // the event's type and the path to the field, such as "ChangeReport.Context[2].TimeOfSample"
	Rule  string // what the field must be
}

func (e *InvalidError) Error() string {
	return ErrInvalidEvent.Error() + ": " + e.Field + ": " + e.Rule
}

// Is reports whether target is [ErrInvalidEvent].
func (e *InvalidError) Is(target error) bool { return target == ErrInvalidEvent }
