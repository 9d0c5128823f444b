package alexaevents

import "errors"

// The failures of Amazon that pass, for [errors.Is]. The packages that make
// requests return errors that are of these kinds.
var (
	// ErrTemporary says that the same request may succeed later.
	// [ErrThrottled] and [ErrUnavailable] are kinds of it.
	ErrTemporary = errors.New("alexaevents: temporary failure")

	// ErrThrottled says that there were too many requests.
	ErrThrottled error = temporary("alexaevents: too many requests")

	// ErrUnavailable says that Amazon gave no usable response. It may have
	// carried out the request all the same.
	ErrUnavailable error = temporary("alexaevents: Amazon is unavailable")
)

// temporary is a kind of ErrTemporary.
type temporary string

func (t temporary) Error() string { return string(t) }
func (temporary) Unwrap() error   { return ErrTemporary }
