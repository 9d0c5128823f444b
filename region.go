package alexaevents

// Region is one of the three regions of the Alexa service. It depends on where the
// customer lives, not on where the backend runs.
type Region string

// The regions, by the names that Amazon's documents use.
const (
	NorthAmerica Region = "NA" // North America
	Europe       Region = "EU" // Europe and India
	FarEast      Region = "FE" // Far East and Australia
)

// APIEndpoint returns the base URL of the Alexa API in the region, the value of
// context.System.apiEndpoint in its customers' requests. It returns "" for an
// unknown region.
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
