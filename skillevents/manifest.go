package skillevents

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/alexaevents/alexaevents"
	"github.com/alexaevents/alexaevents/internal/arn"
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
	// URI is an https URL, or the full ARN of a Lambda function.
	URI string `json:"uri"`

	// Certificate is the kind of certificate that an https URL has. Empty does
	// not say.
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
	if findings := s.check("events"); len(findings) > 0 {
		return nil, fmt.Errorf("%w: %v", ErrManifest, findings[0])
	}
	return json.Marshal(s)
}

// check finds what Amazon refuses.
func (s *section) check(path string) []Finding {
	findings := checkEndpoint(path+".endpoint", s.Endpoint)
	for _, region := range sortedKeys(s.Regions) {
		at := path + ".regions." + string(region)
		if region.APIEndpoint() == "" {
			findings = append(findings, problem(at, "no such region: the regions are NA, EU and FE"))
		}
		findings = append(findings, checkEndpoint(at+".endpoint", s.Regions[region].Endpoint)...)
	}
	findings = append(findings, checkNames(path+".subscriptions", s.Subscriptions)...)
	return append(findings, checkNames(path+".publications", s.Publications)...)
}

func checkNames(path string, names []eventNameJSON) (findings []Finding) {
	seen := make(map[string]bool)
	for i, name := range names {
		at := fmt.Sprintf("%s[%d].eventName", path, i)
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

func checkEndpoint(path string, endpoint *Endpoint) (findings []Finding) {
	if endpoint == nil || endpoint.URI == "" {
		return []Finding{problem(path, "missing: Alexa sends events nowhere else, also not to the endpoint of the skill itself")}
	}
	isURL := false
	switch uri := endpoint.URI; {
	case arn.IsFunction(uri):
	case strings.HasPrefix(uri, "https://"):
		isURL = true
		if u, err := url.Parse(uri); err != nil || u.Hostname() == "" {
			findings = append(findings, problem(path+".uri", "not a URL"))
		}
	case strings.Contains(uri, "://"):
		findings = append(findings, problem(path+".uri", "not an https URL"))
	default:
		findings = append(findings, problem(path+".uri",
			"neither an https URL nor the full ARN of a Lambda function, arn:aws:lambda:us-east-1:123456789012:function:name; its short name is not enough"))
	}
	switch endpoint.Certificate {
	case "":
	case Trusted, Wildcard, SelfSigned:
		if !isURL {
			findings = append(findings, problem(path+".sslCertificateType", "only for an https URL"))
		}
	default:
		findings = append(findings, problem(path+".sslCertificateType", "must be Trusted, Wildcard or SelfSigned"))
	}
	return findings
}
