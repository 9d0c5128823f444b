package main

// endpoint is a device as Alexa sees it, in a Discover.Response.
type endpoint struct {
	EndpointID        string       `json:"endpointId"`
	ManufacturerName  string       `json:"manufacturerName"`
	FriendlyName      string       `json:"friendlyName"` // name that customers use
	Description       string       `json:"description"`
	DisplayCategories []string     `json:"displayCategories"`
	Capabilities      []capability `json:"capabilities"`
}

// capability is an interface of the device, with the properties that it supports.
type capability struct {
	Type          string         `json:"type"`
	Interface     string         `json:"interface"`
	Version       string         `json:"version"`
	Properties    *reportable    `json:"properties,omitempty"`
	Configuration map[string]any `json:"configuration,omitempty"`
}

type reportable struct {
	Supported           []named `json:"supported"`
	ProactivelyReported bool    `json:"proactivelyReported"` // in a ChangeReport
	Retrievable         bool    `json:"retrievable"`         // by a ReportState
}

type named struct {
	Name string `json:"name"`
}

// endpoint describes the device. The description follows from its state, so that it
// declares exactly the properties of its reports.
func (d *device) endpoint() endpoint {
	const kind, version = "AlexaInterface", "3"
	capabilities := []capability{{Type: kind, Interface: "Alexa", Version: version}}
	at := make(map[string]*reportable)
	for _, p := range d.initial {
		if at[p.Namespace] == nil {
			at[p.Namespace] = &reportable{ProactivelyReported: true, Retrievable: true}
			capabilities = append(capabilities, capability{
				Type: kind, Interface: p.Namespace, Version: version,
				Properties: at[p.Namespace], Configuration: d.about.configuration[p.Namespace],
			})
		}
		at[p.Namespace].Supported = append(at[p.Namespace].Supported, named{p.Name})
	}
	return endpoint{
		EndpointID:        d.id,
		ManufacturerName:  "Example",
		FriendlyName:      d.about.name,
		Description:       d.about.text,
		DisplayCategories: []string{d.about.category},
		Capabilities:      capabilities,
	}
}
