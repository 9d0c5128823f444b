package alexaevents

import (
	"errors"
	"fmt"
)

// The failures of Amazon that pass, for [errors.Is]. The packages that make
// requests return errors that are of these kinds.
var (
	// ErrTemporary says that the same request may succeed later.
	// [ErrThrottled] and [ErrUnavailable] are kinds of it.
	ErrTemporary = errors.New("alexaevents: temporary failure")

	// ErrThrottled says that there were too many requests.
	ErrThrottled = fmt.Errorf("%w: too many requests", ErrTemporary)

	// ErrUnavailable says that Amazon gave no usable response. It may have
	// carried out the request all the same.
	ErrUnavailable = fmt.Errorf("%w: Amazon is unavailable", ErrTemporary)
)
