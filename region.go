package alexaevents

// Region is one of the three regions of the Alexa service. A region belongs to
// the customer, not to the backend's own location.
type Region string

// The regions, by the names that Amazon's documents use.
const (
	NorthAmerica Region = "NA" // North America
	Europe       Region = "EU" // Europe and India
	FarEast      Region = "FE" // Far East and Australia
)

// APIEndpoint returns the base URL of the Alexa API in the region, which is
// what context.System.apiEndpoint says in the requests of its customers. It
// returns "" for a region that does not exist.
func (r Region) APIEndpoint() string {
	switch r {
	case NorthAmerica:
		return "https://api.amazonalexa.com"
	case Europe:
		return "https://api.eu.amazonalexa.com"
	case FarEast:
		return "https://api.fe.amazonalexa.com"
	}
	return ""
}
