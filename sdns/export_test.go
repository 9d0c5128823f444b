package sdns

// Types is the table of event types.
var Types = types
