package alexatest

import (
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"
)

// Reset removes what was added since [NewCloud], and rotates the certificate. Roots and
// Observe stay, and certificate files at earlier URLs too.
func (c *Cloud) Reset() {
	c.mu.Lock()
	c.calls, c.faults, c.short = nil, nil, false
	c.login, c.gateways, c.sns = newLogin(), gateways{}, newSNS()
	c.apis = append(c.newSMAPI(), c.newEventMessenger(), c.newPropertyEndpoints())
	c.mu.Unlock()
	c.RotateCertificate(10 * year)
}

// Age makes everything older that expires: codes, tokens, and the certificates with
// which Alexa and SNS signed so far, at their old URLs. The clock stays, since a
// backend would refuse requests from a cloud that is ahead. It panics if the duration
// is negative.
func (c *Cloud) Age(by time.Duration) {
	if by < 0 {
		panic(invalid("nothing grows younger"))
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, code := range c.login.codes {
		code.until = code.until.Add(-by)
	}
	for _, token := range c.login.access {
		token.until = token.until.Add(-by)
	}
	for _, topic := range c.sns.topics {
		for _, e := range topic.endpoints {
			e.until = e.until.Add(-by)
		}
	}
	for _, pages := range []pages{c.smapi.pages, c.messenger.configurations.pages, c.messenger.subscriptions.pages, c.endpoints.pages} {
		for token, rest := range pages {
			rest.until = rest.until.Add(-by)
			pages[token] = rest
		}
	}
	for _, file := range c.served {
		file.age(by)
	}
}

// state is a cloud as [Cloud.Snapshot] writes it.
type state struct {
	Version int

	Root, Oldest, Intermediate []byte
	IntermediateKey            []byte
	Tail                       [][]byte
	Short                      bool
	ValidFor                   time.Duration
	Signing                    savedSigner
	SNSSigners                 map[string]savedSigner
	Files                      map[string]savedFile
	FileCount                  int

	Secrets        map[string]string
	Authorizations []Grant
	Listed         int // number of authorizations that Grants returns, the first ones
	Codes          map[string]savedCode
	Access         map[string]savedAccess
	Refresh        map[string]int
	Rotate         bool

	Calls     []string
	Faults    []Fault
	Sent      []Sent
	Delivered []Delivered
	Topics    []savedTopic

	Vendors       map[string][]string
	VendorIDs     []string
	Subscribers   []savedSubscriber
	Subscriptions []*subscription
	Resources     [2][]savedResource
	Endpoints     []PropertyEndpoint
	Gone          []string // IDs of endpoints
}

type (
	savedSigner struct {
		Key []byte
		URL string
	}
	savedFile struct {
		Leaf  []byte
		Above [][]byte
	}
	savedCode struct {
		Authorization          int
		Until                  time.Time
		RedirectURI, Challenge string
		Used                   bool
	}
	savedAccess struct {
		Authorization int
		Until         time.Time
	}
	savedTopic struct {
		Topic
		Endpoints []savedEndpoint
	}
	savedEndpoint struct {
		ARN, URL, Token string
		Until           time.Time
		Confirmed       bool
	}
	savedSubscriber struct {
		subscriber
		Vendor string
	}
	savedResource struct {
		ID, Owner, Token string
		Request          []byte
		Body             object
	}
)

// Snapshot returns the state of the cloud, with its private keys and tokens, for
// [Cloud.Restore]. It has no held messages, no handlers of SNS endpoints in this
// process, and no tokens for the next page of a list.
func (c *Cloud) Snapshot() []byte {
	generate(append(slices.Clone(c.root.Load().keys), c.signer().key)...) // not under the lock
	c.mu.Lock()
	defer c.mu.Unlock()
	root := c.root.Load()
	s := state{
		Version: 1,
		Root:    root.root().Raw, Oldest: root.oldest().Raw, Intermediate: root.intermediate.certificate().Raw,
		IntermediateKey: marshalKey(root.intermediate.key), Tail: root.tail(),
		Short: c.short, ValidFor: c.validFor, Signing: c.signing.saved(),
		SNSSigners: make(map[string]savedSigner), Files: make(map[string]savedFile), FileCount: c.files,
		Secrets: c.login.secrets, Listed: len(c.login.authorizations), Rotate: c.login.rotate,
		Codes: make(map[string]savedCode), Access: make(map[string]savedAccess), Refresh: make(map[string]int),
		Calls: c.calls, Sent: c.gateways.sent, Delivered: c.sns.delivered,
		Vendors: make(map[string][]string), Subscriptions: c.smapi.subscriptions,
		Gone: c.endpoints.gone,
	}
	for host, signer := range c.sns.signers {
		s.SNSSigners[host] = signer.saved()
	}
	for url, file := range c.served {
		if file.authority == root { // no forgeries
			s.Files[url] = savedFile{file.leaf().Raw, file.above()}
		}
	}
	numbers := make(map[*authorization]int)
	number := func(a *authorization) int {
		if _, ok := numbers[a]; !ok {
			numbers[a] = len(numbers)
			s.Authorizations = append(s.Authorizations, a.saved())
		}
		return numbers[a]
	}
	for _, a := range c.login.authorizations {
		number(a)
	}
	for text, code := range c.login.codes {
		s.Codes[text] = savedCode{number(code.authorization), code.until, code.redirectURI, code.challenge, code.used}
	}
	for text, token := range c.login.access {
		s.Access[text] = savedAccess{number(token.authorization), token.until}
	}
	for text, a := range c.login.refresh {
		s.Refresh[text] = number(a)
	}
	for _, fault := range c.faults {
		s.Faults = append(s.Faults, *fault)
	}
	for _, arn := range slices.Sorted(maps.Keys(c.sns.topics)) {
		saved := savedTopic{Topic: c.sns.topics[arn].Topic}
		for _, e := range c.sns.topics[arn].endpoints {
			saved.Endpoints = append(saved.Endpoints, savedEndpoint{e.arn, e.url, e.token, e.until, e.confirmed})
		}
		s.Topics = append(s.Topics, saved)
	}
	for _, vendor := range c.smapi.vendors {
		s.Vendors[vendor.id] = vendor.customers
		s.VendorIDs = append(s.VendorIDs, vendor.id)
	}
	for _, subscriber := range c.smapi.subscribers {
		s.Subscribers = append(s.Subscribers, savedSubscriber{*subscriber, subscriber.vendor})
	}
	for i, collection := range c.messenger.collections() {
		for _, r := range collection.resources {
			s.Resources[i] = append(s.Resources[i], savedResource{r.id, r.owner, r.token, r.request, r.body})
		}
	}
	for _, e := range c.endpoints.known {
		s.Endpoints = append(s.Endpoints, *e)
	}
	snapshot, err := json.Marshal(s)
	must(err)
	return snapshot
}

// Restore replaces the state of the cloud, and its roots, by a snapshot of this or
// another cloud. Observe stays. After an error the cloud is as it was.
func (c *Cloud) Restore(snapshot []byte) error {
	var s state
	if err := json.Unmarshal(snapshot, &s); err != nil {
		return fmt.Errorf("alexatest: not a snapshot: %w", err)
	}
	if s.Version != 1 {
		return fmt.Errorf("alexatest: a snapshot of the unknown version %d", s.Version)
	}
	var failed error
	certificate := func(der []byte) func() *x509.Certificate {
		parsed, err := x509.ParseCertificate(der)
		failed = errors.Join(failed, err)
		return func() *x509.Certificate { return parsed }
	}
	key := func(der []byte) *lazyKey {
		parsed, err := x509.ParsePKCS8PrivateKey(der)
		rsaKey, ok := parsed.(*rsa.PrivateKey)
		if err == nil && !ok {
			err = errors.New("not an RSA key")
		}
		failed = errors.Join(failed, err)
		return madeKey(rsaKey)
	}
	list := func(der [][]byte) func() [][]byte { return func() [][]byte { return der } }
	root := &authority{
		root: certificate(s.Root), oldest: certificate(s.Oldest), tail: list(s.Tail),
		intermediate: issuer{certificate(s.Intermediate), key(s.IntermediateKey)},
	}
	next := &Cloud{
		short: s.Short, validFor: s.ValidFor, signing: signer{key(s.Signing.Key), s.Signing.URL}, calls: s.Calls,
		served: make(map[string]*certificateFile), files: s.FileCount, login: newLogin(), gateways: gateways{s.Sent}, sns: newSNS(),
	}
	for host, saved := range s.SNSSigners {
		next.sns.signers[host] = signer{key(saved.Key), saved.URL}
	}
	for url, file := range s.Files {
		next.served[url] = &certificateFile{root, certificate(file.Leaf), list(file.Above)}
	}
	if err := s.login(&next.login); err != nil || failed != nil {
		return fmt.Errorf("alexatest: a broken snapshot: %w", errors.Join(err, failed))
	}
	for _, saved := range s.Topics {
		if err := Try(func() { next.sns.topic(saved.ARN).Topic = saved.Topic }); err != nil {
			return err
		}
		topic := next.sns.topics[saved.ARN]
		for _, e := range saved.Endpoints {
			topic.endpoints = append(topic.endpoints, &endpoint{topic: topic, arn: e.ARN, url: e.URL, token: e.Token, until: e.Until, confirmed: e.Confirmed})
		}
	}
	next.sns.delivered = s.Delivered
	for _, subscription := range s.Subscriptions {
		if subscription == nil || !slices.ContainsFunc(s.Subscribers, func(to savedSubscriber) bool { return to.ID == subscription.SubscriberID }) {
			return errors.New("alexatest: a broken snapshot: a subscription without its subscriber")
		}
	}
	for _, fault := range s.Faults {
		next.faults = append(next.faults, &fault)
	}

	c.mu.Lock()
	defer c.mu.Unlock()
	c.root.Store(root)
	c.short, c.validFor, c.signing, c.served, c.files = next.short, next.validFor, next.signing, next.served, next.files
	c.calls, c.faults, c.login, c.gateways, c.sns = next.calls, next.faults, next.login, next.gateways, next.sns
	c.apis = append(c.newSMAPI(), c.newEventMessenger(), c.newPropertyEndpoints())
	for _, id := range s.VendorIDs {
		c.smapi.vendors = append(c.smapi.vendors, &vendor{id, s.Vendors[id]})
	}
	for _, saved := range s.Subscribers {
		saved.vendor = saved.Vendor
		c.smapi.subscribers = append(c.smapi.subscribers, &saved.subscriber)
	}
	c.smapi.subscriptions = s.Subscriptions
	c.endpoints.gone = s.Gone
	for _, saved := range s.Endpoints {
		c.endpoints.known = append(c.endpoints.known, &saved)
	}
	for i, collection := range c.messenger.collections() {
		for _, r := range s.Resources[i] {
			collection.resources = append(collection.resources, &resource{r.ID, r.Owner, r.Token, r.Request, r.Body})
		}
	}
	return nil
}

// login restores Login with Amazon.
func (s *state) login(l *login) error {
	all := make([]*authorization, len(s.Authorizations))
	for i, a := range s.Authorizations {
		all[i] = &authorization{a.Customer, a.Region, a.ClientID, a.Scopes, a.Revoked}
	}
	var missing error
	numbered := func(number int) *authorization {
		if number < 0 || number >= len(all) {
			missing = fmt.Errorf("no authorization %d", number)
			return nil
		}
		return all[number]
	}
	if s.Listed < 0 || s.Listed > len(all) {
		return errors.New("authorizations are missing")
	}
	l.authorizations, l.rotate = all[:s.Listed:s.Listed], s.Rotate
	maps.Copy(l.secrets, s.Secrets)
	for text, saved := range s.Codes {
		l.codes[text] = &code{numbered(saved.Authorization), saved.Until, saved.RedirectURI, saved.Challenge, saved.Used}
	}
	for text, saved := range s.Access {
		l.access[text] = &access{numbered(saved.Authorization), saved.Until}
	}
	for text, number := range s.Refresh {
		l.refresh[text] = numbered(number)
	}
	return missing
}

func (m *eventMessenger) collections() [2]*collection {
	return [2]*collection{&m.configurations, &m.subscriptions}
}

func (s signer) saved() savedSigner { return savedSigner{marshalKey(s.key), s.url} }

func marshalKey(key *lazyKey) []byte {
	der, err := x509.MarshalPKCS8PrivateKey(key.private())
	must(err)
	return der
}
