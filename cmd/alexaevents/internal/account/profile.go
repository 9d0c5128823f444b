// Package account keeps the tokens of Login with Amazon of the developers and
// organizations for whom the command calls Amazon's APIs.
package account

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/alexaevents/alexaevents"
	"github.com/alexaevents/alexaevents/lwa"
)

// Profile is the consent of a person to the scopes of a client.
type Profile struct {
	ClientID     string
	ClientSecret alexaevents.Secret // empty for a public client
	Scopes       []string
	AccessToken  alexaevents.Secret // empty before the first login
	RefreshToken alexaevents.Secret // empty for a public client
	Expiry       time.Time          // when AccessToken expires

	// Invitation waits for the consent of a person; nil without one.
	Invitation *Invitation
}

// Invitation is a link to Amazon's page of consent that a person has not used yet.
type Invitation struct {
	State       string             `json:"state"`
	RedirectURI string             `json:"redirect_uri"`
	Verifier    alexaevents.Secret `json:"-"`
	Scopes      []string           `json:"scopes"`
}

// Client returns the client of the profile, without an HTTP client.
func (p Profile) Client() *lwa.Client {
	return &lwa.Client{ID: p.ClientID, Secret: string(p.ClientSecret)}
}

// Accept takes the tokens of a login at the time.
func (p *Profile) Accept(token lwa.Token, scopes []string, now time.Time) {
	p.AccessToken, p.RefreshToken, p.Scopes, p.Invitation = token.AccessToken, token.RefreshToken, scopes, nil
	p.expire(token, now)
}

// expire sets the expiry. A token without a known lifetime counts as one of an hour,
// which Amazon documents.
func (p *Profile) expire(token lwa.Token, now time.Time) {
	lifetime := token.ExpiresIn
	if lifetime == 0 {
		lifetime = time.Hour
	}
	p.Expiry = now.Add(lifetime).UTC().Truncate(time.Second)
}

// saved is a Profile in its file, with its secrets.
type saved struct {
	ClientID     string      `json:"client_id"`
	ClientSecret string      `json:"client_secret,omitempty"`
	Scopes       []string    `json:"scopes,omitempty"`
	AccessToken  string      `json:"access_token,omitempty"`
	RefreshToken string      `json:"refresh_token,omitempty"`
	Expiry       time.Time   `json:"expiry,omitzero"`
	Invitation   *Invitation `json:"invitation,omitempty"`
	Verifier     string      `json:"verifier,omitempty"` // of the invitation
}

var (
	// ErrNoProfile says that there is no profile with a name.
	ErrNoProfile = errors.New("no such profile")

	// ErrName says that a text cannot be the name of a profile.
	ErrName = errors.New("the name of a profile has 1 to 64 letters, digits and _.@-")
)

// Store keeps profiles in a directory, each in a file that only its owner can read.
type Store struct{ Dir string }

// names matches the names of profiles, which are names of files.
var names = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_.@-]{0,63}$`)

func (s *Store) path(name string) (string, error) {
	if !names.MatchString(name) {
		return "", fmt.Errorf("%w: %q", ErrName, name)
	}
	return filepath.Join(s.Dir, name+".json"), nil
}

// Profile returns the profile with the name, or [ErrNoProfile].
func (s *Store) Profile(name string) (Profile, error) {
	path, err := s.path(name)
	if err != nil {
		return Profile{}, err
	}
	data, err := os.ReadFile(path)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return Profile{}, ErrNoProfile
	case err != nil:
		return Profile{}, err
	}
	var in saved
	if json.Unmarshal(data, &in) != nil || in.ClientID == "" { // the error of Unmarshal may contain a token
		return Profile{}, fmt.Errorf("%s is damaged: remove it and log in again", path)
	}
	if in.Invitation != nil {
		in.Invitation.Verifier = alexaevents.Secret(in.Verifier)
	}
	return Profile{
		ClientID: in.ClientID, ClientSecret: alexaevents.Secret(in.ClientSecret), Scopes: in.Scopes,
		AccessToken: alexaevents.Secret(in.AccessToken), RefreshToken: alexaevents.Secret(in.RefreshToken), Expiry: in.Expiry,
		Invitation: in.Invitation,
	}, nil
}

// Save replaces the profile with the name at once: another process reads the old one
// or the new one.
func (s *Store) Save(name string, p Profile) error {
	path, err := s.path(name)
	if err != nil {
		return err
	}
	out := saved{p.ClientID, string(p.ClientSecret), p.Scopes, string(p.AccessToken), string(p.RefreshToken), p.Expiry, p.Invitation, ""}
	if p.Invitation != nil {
		out.Verifier = string(p.Invitation.Verifier)
	}
	data, err := json.MarshalIndent(out, "", "  ") //nolint:gosec // for a file that its owner alone can read
	if err != nil {
		return err
	}
	if err := os.MkdirAll(s.Dir, 0o700); err != nil {
		return err
	}
	file, err := os.CreateTemp(s.Dir, ".new-*") // mode 0600
	if err != nil {
		return err
	}
	_, err = file.Write(append(data, '\n'))
	if err = errors.Join(err, file.Sync(), file.Close()); err == nil {
		err = os.Rename(file.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(file.Name()))
	}
	return nil
}

// Remove removes the profile with the name, or returns [ErrNoProfile].
func (s *Store) Remove(name string) error {
	path, err := s.path(name)
	if err != nil {
		return err
	}
	if err := os.Remove(path); !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return ErrNoProfile
}

// Names returns the names of all profiles, sorted.
func (s *Store) Names() (all []string, err error) {
	entries, err := os.ReadDir(s.Dir)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	for _, entry := range entries {
		if name, ok := strings.CutSuffix(entry.Name(), ".json"); ok && names.MatchString(name) {
			all = append(all, name)
		}
	}
	slices.Sort(all)
	return all, nil
}
