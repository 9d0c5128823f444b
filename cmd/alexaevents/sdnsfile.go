package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/spf13/cobra"

	"github.com/alexaevents/alexaevents/sdns"
)

// sdnsFile says which notifications there are to be.
type sdnsFile struct {
	Subscribers   []wantedSubscriber   `yaml:"subscribers"`
	Subscriptions []wantedSubscription `yaml:"subscriptions"` // to subscribers of others
}

type wantedSubscriber struct {
	Name          string               `yaml:"name"`
	Vendor        string               `yaml:"vendor"` // owner
	Topic         string               `yaml:"topic"`
	Role          string               `yaml:"role"`
	Endpoint      string               `yaml:"endpoint"` // that gets what is published to the topic; for "iam" alone
	Subscriptions []wantedSubscription `yaml:"subscriptions"`
}

type wantedSubscription struct {
	Name       string           `yaml:"name"`
	Vendor     string           `yaml:"vendor"`     // of the skills; empty is the owner of the subscriber
	Subscriber string           `yaml:"subscriber"` // ID of somebody else's subscriber
	Events     []sdns.EventName `yaml:"events"`
}

const sdnsExample = `subscribers:
  - name: Our developers
    vendor: M1ORGANIZATION     # owner: your own vendor ID, the external ID of the role
    topic: arn:aws:sns:us-east-1:000011112222:skills
    role: arn:aws:iam::000011112222:role/SkillNotifications
    endpoint: https://organization.example/sns   # optional, for "iam"
    subscriptions:
      - name: Our skills       # of the owner
        events: [AlexaDevelopmentEvent.All]
      - name: Skills of Dana
        vendor: M2DANA
        events: [AlexaDevelopmentEvent.ManifestUpdate, AlexaDevelopmentEvent.SkillPublish]
`

func readSDNS(c *cobra.Command, args []string) (*sdnsFile, error) {
	file := new(sdnsFile)
	return file, readFile(c, args, "sdns.yaml", file, file.check)
}

// readFile reads the file of the arguments, or the usual one, and checks it. The errors
// name the line, or the entry.
func readFile(c *cobra.Command, args []string, name string, file any, check func() error) error {
	if len(args) > 0 {
		name = args[0]
	}
	text, err := readInput(c, name)
	if err != nil {
		return failed(err)
	}
	if err = decodeYAML(text, file); err == nil {
		err = check()
	}
	if err != nil {
		return usage("%s: %s", name, err)
	}
	return nil
}

// decodeYAML decodes a document without unknown members. The error names the line. An
// empty document changes nothing.
func decodeYAML(text []byte, value any) (err error) {
	defer func() {
		if recover() != nil { // of the decoder, by a tag in the wrong place
			err = errors.New("not YAML that can be read")
		}
	}()
	err = yaml.NewDecoder(bytes.NewReader(text), yaml.Strict()).Decode(value)
	if err == nil || errors.Is(err, io.EOF) {
		return nil
	}
	return errors.New(strings.TrimSpace(yaml.FormatError(err, false, true)))
}

var roleARN = regexp.MustCompile(`^arn:(aws[a-z-]*):iam::([0-9]{12}):role(/[A-Za-z0-9_+=,.@/-]*)*/([A-Za-z0-9_+=,.@-]{1,64})$`)

// check checks the file, and names the owner as vendor where there is none.
func (f *sdnsFile) check() error {
	if len(f.Subscribers)+len(f.Subscriptions) == 0 {
		return errors.New("no subscribers and no subscriptions")
	}
	names, topics := make(map[string]bool), make(map[string]bool)
	for i := range f.Subscribers {
		s := &f.Subscribers[i]
		at := fmt.Sprintf("subscriber %d (%s): ", i+1, s.Name)
		_, policyErr := sdns.TrustPolicy(s.Vendor, s.Topic)
		switch {
		case s.Name == "":
			return errors.New(at + "the name is missing")
		case s.Vendor == "":
			return errors.New(at + "the vendor is missing: your own vendor ID; alexaevents whoami lists it")
		case policyErr != nil:
			return errors.New(at + strings.NewReplacer("sdns: topicARN", "topic", "sdns: vendorID", "vendor").Replace(policyErr.Error()))
		case !roleARN.MatchString(s.Role):
			return errors.New(at + "role: must be the ARN of an IAM role, arn:aws:iam::123456789012:role/Name")
		case names[s.Vendor+" "+s.Name]:
			return errors.New(at + "another subscriber of the vendor has this name")
		case topics[s.Vendor+" "+s.Topic]:
			return errors.New(at + "another subscriber of the vendor has this topic: each would get each event")
		}
		names[s.Vendor+" "+s.Name], topics[s.Vendor+" "+s.Topic] = true, true
		for j := range s.Subscriptions {
			w := &s.Subscriptions[j]
			if w.Vendor == "" {
				w.Vendor = s.Vendor
			}
			if w.Subscriber != "" {
				return errors.New(at + "a subscription under a subscriber needs no ID of one")
			}
		}
		if err := checkSubscriptions(at, s.Subscriptions); err != nil {
			return err
		}
	}
	for _, w := range f.Subscriptions {
		if w.Subscriber == "" {
			return fmt.Errorf("subscription %q: the subscriber is missing: the ID that the organization gave you", w.Name)
		}
	}
	return checkSubscriptions("", f.Subscriptions)
}

func checkSubscriptions(at string, subscriptions []wantedSubscription) error {
	names := make(map[string]bool)
	for i, w := range subscriptions {
		at := at + fmt.Sprintf("subscription %d (%s): ", i+1, w.Name)
		key := w.Subscriber + " " + w.Vendor + " " + w.Name
		switch {
		case w.Name == "" || len([]rune(w.Name)) > 255:
			return errors.New(at + "the name must have 1 to 255 characters")
		case w.Vendor == "":
			return errors.New(at + "the vendor of the skills is missing")
		case len(w.Events) == 0 || slices.Contains(w.Events, ""):
			return errors.New(at + "the events are missing, such as " + string(sdns.EventAll))
		case len(w.Events) > 1 && slices.ContainsFunc(w.Events, isWildcard):
			return errors.New(at + "a wildcard must be the only event")
		case names[key]:
			return errors.New(at + "another subscription of the vendor has this name")
		}
		names[key] = true
	}
	return nil
}

func isWildcard(e sdns.EventName) bool { return e == sdns.EventAll || e == sdns.EventAllDocumented }

// isFIFO reports whether the topic is a FIFO topic. Such a topic needs a message group
// with each message, and Amazon is not known to give one.
func isFIFO(topic string) bool { return strings.HasSuffix(topic, ".fifo") }

// awsAccount returns the AWS account in an ARN.
func awsAccount(arn string) string { return strings.Split(arn, ":")[4] }
