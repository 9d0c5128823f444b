package skillevents

// ItemsCreated says that items were put on a list of the customer
// (AlexaHouseholdListEvent.ItemsCreated).
//
// Deprecated: Amazon retired the lists in 2024.
type ItemsCreated struct {
	Envelope `json:"-"`

	ListID      string   `json:"listId"`
	ListItemIDs []string `json:"listItemIds"`
}

// ItemsUpdated says that items on a list of the customer changed
// (AlexaHouseholdListEvent.ItemsUpdated).
//
// Deprecated: Amazon retired the lists in 2024.
type ItemsUpdated struct {
	Envelope `json:"-"`

	ListID      string   `json:"listId"`
	ListItemIDs []string `json:"listItemIds"`
}

// ItemsDeleted says that items were taken off a list of the customer
// (AlexaHouseholdListEvent.ItemsDeleted).
//
// Deprecated: Amazon retired the lists in 2024.
type ItemsDeleted struct {
	Envelope `json:"-"`

	ListID      string   `json:"listId"`
	ListItemIDs []string `json:"listItemIds"`
}

// ListCreated says that the customer made a list
// (AlexaHouseholdListEvent.ListCreated).
//
// Deprecated: Amazon retired the lists in 2024.
type ListCreated struct {
	Envelope `json:"-"`

	ListID string `json:"listId"`
}

// ListUpdated says that the customer changed a list
// (AlexaHouseholdListEvent.ListUpdated).
//
// Deprecated: Amazon retired the lists in 2024.
type ListUpdated struct {
	Envelope `json:"-"`

	ListID string `json:"listId"`
}

// ListDeleted says that the customer deleted a list
// (AlexaHouseholdListEvent.ListDeleted).
//
// Deprecated: Amazon retired the lists in 2024.
type ListDeleted struct {
	Envelope `json:"-"`

	ListID string `json:"listId"`
}
