package skillevents

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/alexaevents/alexaevents"
	"github.com/alexaevents/alexaevents/internal/rest"
)

// ErrManifest is the error for a manifest that cannot be used.
var ErrManifest = errors.New("skillevents: not a usable manifest")

// Manifest is the events section of a skill's manifest, the member events of
// manifest in skill.json. It marshals into the JSON of the section; the error of
// a section that Amazon would refuse wraps [ErrManifest].
//
// Only the ASK CLI and the Skill Management API can set the section, not the
// developer console. A change to a live skill takes another certification.
//
// A Lambda function and a skill need each other's ID. The way out of the circle:
//
//  1. Create the function, without a trigger.
//  2. Create the skill, without an events section. It has an ID now.
//  3. Add the trigger Alexa Skills Kit to the function, with that ID as its event
//     source token: Alexa may invoke it for this skill alone.
//  4. Update the manifest: the events section names the function's ARN.
type Manifest struct {
	// Endpoint is where Alexa sends the events; required. It is not taken from
	// the endpoint of the skill itself.
	Endpoint Endpoint

	// Regions has other endpoints for the customers of a region. Nil is none.
	Regions map[alexaevents.Region]Endpoint

	// Subscriptions are the events that the backend handles. Nil is none.
	Subscriptions []EventName

	// Publications are the proactive events that the skill sends, such as
	// AMAZON.MessageAlert.Activated. Nil is none.
	Publications []string
}

// Endpoint is where Alexa sends events.
type Endpoint struct {
	// URI is an https URL on port 443, or the full ARN of a Lambda function.
	// Required.
	URI string `json:"uri"`

	// Certificate is the type of certificate that an https URL has, required
	// there: without it Alexa never connects. Alexa ignores it beside the ARN of a
	// Lambda function. Empty leaves it out.
	Certificate CertificateType `json:"sslCertificateType,omitempty"`
}

// CertificateType is a kind of certificate.
type CertificateType string

// The certificates that Amazon tells apart.
const (
	Trusted    CertificateType = "Trusted"    // of a certificate authority
	Wildcard   CertificateType = "Wildcard"   // of a certificate authority, for a whole domain
	SelfSigned CertificateType = "SelfSigned" // uploaded to Amazon
)

// section is the events section as it stands in JSON.
type section struct {
	Endpoint      *Endpoint                         `json:"endpoint"`
	Regions       map[alexaevents.Region]regionJSON `json:"regions,omitempty"`
	Subscriptions []eventNameJSON                   `json:"subscriptions,omitempty"`
	Publications  []eventNameJSON                   `json:"publications,omitempty"`
}

type regionJSON struct {
	Endpoint *Endpoint `json:"endpoint"`
}

type eventNameJSON struct {
	EventName string `json:"eventName"`
}

// MarshalJSON returns the section.
func (m Manifest) MarshalJSON() ([]byte, error) {
	s := section{Endpoint: &m.Endpoint}
	for region, endpoint := range m.Regions {
		if s.Regions == nil {
			s.Regions = make(map[alexaevents.Region]regionJSON)
		}
		s.Regions[region] = regionJSON{&endpoint}
	}
	for _, name := range m.Subscriptions {
		s.Subscriptions = append(s.Subscriptions, eventNameJSON{string(name)})
	}
	for _, name := range m.Publications {
		s.Publications = append(s.Publications, eventNameJSON{name})
	}
	for _, finding := range s.check("events") {
		if !finding.Note {
			return nil, fmt.Errorf("%w: %v", ErrManifest, finding)
		}
	}
	return json.Marshal(s)
}

// check finds what Amazon refuses, and what keeps events away.
func (s *section) check(path string) []Finding {
	findings := checkEndpoint(path+".endpoint", s.Endpoint)
	for _, region := range sortedKeys(s.Regions) {
		at := path + ".regions." + string(region)
		if region.APIEndpoint() == "" {
			findings = append(findings, problem(at, "no such region: the regions are NA, EU and FE"))
		}
		findings = append(findings, checkEndpoint(at+".endpoint", s.Regions[region].Endpoint)...)
	}
	for i, name := range s.Subscriptions {
		if strings.HasPrefix(name.EventName, "AMAZON.") {
			findings = append(findings, problem(namePath(path, "subscriptions", i), name.EventName+" is a proactive event, which the skill sends: it belongs to publications"))
		}
	}
	for i, name := range s.Publications {
		if isSubscription(name.EventName) {
			findings = append(findings, problem(namePath(path, "publications", i), name.EventName+" is an event that the skill receives: it belongs to subscriptions"))
		}
	}
	findings = append(findings, checkNames(path, "subscriptions", s.Subscriptions)...)
	return append(findings, checkNames(path, "publications", s.Publications)...)
}

func checkNames(path, list string, names []eventNameJSON) (findings []Finding) {
	seen := make(map[string]bool)
	for i, name := range names {
		at := namePath(path, list, i)
		switch {
		case name.EventName == "":
			findings = append(findings, problem(at, "missing"))
		case seen[name.EventName]:
			findings = append(findings, problem(at, name.EventName+" is there twice"))
		}
		seen[name.EventName] = true
	}
	return findings
}

func namePath(path, list string, i int) string {
	return fmt.Sprintf("%s.%s[%d].eventName", path, list, i)
}

func checkEndpoint(path string, endpoint *Endpoint) (findings []Finding) {
	if endpoint == nil || endpoint.URI == "" {
		return []Finding{problem(path, "missing: Alexa sends events nowhere else, also not to the endpoint of the skill itself")}
	}
	at, isURL := path+".uri", false
	switch uri := endpoint.URI; {
	case rest.IsFunctionARN(uri):
		if endpoint.Certificate != "" {
			findings = append(findings, note(path+".sslCertificateType", "only an https URL has a certificate: it does nothing beside the ARN of a Lambda function"))
		}
	case strings.HasPrefix(uri, "https://"):
		isURL = true
		u, err := url.Parse(uri)
		switch {
		case err != nil || u.Hostname() == "":
			findings = append(findings, problem(at, "not a URL"))
		case u.Port() != "" && u.Port() != "443":
			findings = append(findings, problem(at, "has port "+u.Port()+": Alexa connects to port 443 only"))
		}
	case strings.Contains(uri, "://"):
		findings = append(findings, problem(at, "not an https URL"))
	default:
		findings = append(findings, problem(at,
			"neither an https URL nor the full ARN of a Lambda function, arn:aws:lambda:us-east-1:123456789012:function:name; its short name is not enough"))
	}
	switch endpoint.Certificate {
	case Trusted, Wildcard, SelfSigned:
	case "":
		if isURL {
			findings = append(findings, problem(path+".sslCertificateType", "missing: Alexa does not connect to an https URL without it; Trusted, Wildcard or SelfSigned"))
		}
	default:
		findings = append(findings, problem(path+".sslCertificateType", "must be Trusted, Wildcard or SelfSigned"))
	}
	return findings
}
