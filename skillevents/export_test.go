package skillevents

// Types is the table of the event types.
var Types = types

// Names has the request type of each event name, empty where it is not known.
var Names = func() map[EventName]string {
	types := make(map[EventName]string)
	for name, known := range names {
		types[name] = known.requestType
	}
	return types
}()
