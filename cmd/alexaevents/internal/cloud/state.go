package cloud

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/alexaevents/alexaevents/alexatest"
)

// snapshot is the state of a Server.
type snapshot struct {
	Cloud     json.RawMessage      `json:"cloud"`
	Customers map[string]savedUser `json:"customers"`
}

type savedUser struct {
	Alexa   *alexatest.Customer `json:"alexa"`
	Enabled bool                `json:"enabled"`
	Linked  bool                `json:"linked"`
	Granted bool                `json:"granted"`
	Token   string              `json:"token"`
}

func (s *Server) snapshot() ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	saved := snapshot{Cloud: s.amazon.Snapshot(), Customers: make(map[string]savedUser)}
	for name, c := range s.customers {
		saved.Customers[name] = savedUser{c.Customer, c.Enabled, c.Linked, c.Granted, c.Token}
	}
	return json.Marshal(saved)
}

func (s *Server) restore(data []byte) error {
	var saved snapshot
	if err := json.Unmarshal(data, &saved); err != nil {
		return fmt.Errorf("not a snapshot: %w", err)
	}
	customers := make(map[string]*customer)
	for name, c := range saved.Customers {
		if c.Alexa == nil {
			return fmt.Errorf("not a snapshot: no user ID of %s", name)
		}
		if c.Alexa.Region.APIEndpoint() == "" {
			return fmt.Errorf("not a snapshot: unknown region %q of %s", c.Alexa.Region, name)
		}
		c.Alexa.SkillID = s.config.Skill
		customers[name] = &customer{c.Alexa, c.Enabled, c.Linked, c.Granted, c.Token}
	}
	if err := s.amazon.Restore(saved.Cloud); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.customers = customers
	return nil
}

// save writes the state file, which only its owner can read.
func (s *Server) save() error {
	s.saving.Lock()
	defer s.saving.Unlock()
	data, err := s.snapshot()
	if err != nil {
		return err
	}
	file, err := s.newStateFile()
	if err != nil {
		return err
	}
	_, err = file.Write(data)
	if err = errors.Join(err, file.Close()); err == nil {
		err = os.Rename(file.Name(), s.config.State)
	}
	if err != nil {
		return errors.Join(err, os.Remove(file.Name()))
	}
	return nil
}

// newStateFile creates the file that becomes the state file, so that a half-written one
// never does.
func (s *Server) newStateFile() (*os.File, error) {
	return os.CreateTemp(filepath.Dir(s.config.State), ".alexaevents-*") // mode 0600
}

// tryState returns why a state file cannot be written.
func (s *Server) tryState() error {
	file, err := s.newStateFile()
	if err != nil {
		return err
	}
	return errors.Join(file.Close(), os.Remove(file.Name()))
}

// keepSaving saves the state at the start, and each second in which something happened.
func (s *Server) keepSaving(ctx context.Context, failed func(error)) {
	ticker := time.NewTicker(time.Second)
	defer ticker.Stop()
	for last := (chan struct{})(nil); ; {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		s.journal.mu.Lock()
		now := s.journal.changed
		s.journal.mu.Unlock()
		if now != last {
			last = now
			if err := s.save(); err != nil {
				failed(err)
			}
		}
	}
}
