package smartprops

// Types is the table of the event types.
var Types = types
