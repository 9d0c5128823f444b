package skillevents

// Types and Names are the tables of the event types and names.
var Types, Names = types, names
