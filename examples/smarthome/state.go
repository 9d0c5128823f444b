package main

import (
	"reflect"
	"slices"
	"time"

	"github.com/alexaevents/alexaevents/gateway"
)

// tell stores what the device told of itself. It returns true if something is to
// be reported to Alexa and nobody is at it: then the caller has to call report
// until that returns nil.
func (d *device) update(cause gateway.Cause, told ...gateway.Property) (start bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, p := range told {
		i := slices.IndexFunc(d.state, func(s sample) bool { return s.Namespace == p.Namespace && s.Name == p.Name })
		if i < 0 {
			continue // Alexa was not told that the device has this
		}
		changed := !reflect.DeepEqual(d.state[i].Value, p.Value)
		if changed {
			d.cause = cause
			start = !d.reporting
		}
		d.state[i] = sample{p, changed || d.state[i].unreported}
	}
	d.reporting = d.reporting || start
	return start
}

// report returns what Alexa has to hear next, nil if it has heard all. Changes
// that come while a report is on its way are in the next one together, with
// their last values.
func (d *device) report() *gateway.ChangeReport {
	d.mu.Lock()
	defer d.mu.Unlock()
	report := &gateway.ChangeReport{EndpointID: d.id, Cause: d.cause}
	for i := range d.state {
		s := &d.state[i]
		if s.unreported {
			report.Properties = append(report.Properties, s.Property)
			s.unreported = false
		} else {
			report.Context = append(report.Context, s.Property)
		}
	}
	if len(report.Properties) == 0 {
		d.reporting = false
		return nil
	}
	return report
}

// properties returns what the device told last of all its properties.
func (d *device) properties() []gateway.Property {
	d.mu.Lock()
	defer d.mu.Unlock()
	var all []gateway.Property
	for _, s := range d.state {
		all = append(all, s.Property)
	}
	return all
}

func (d *device) reachable() bool {
	reachable := gateway.Connectivity(gateway.Reachable, time.Time{})
	return slices.ContainsFunc(d.properties(), func(p gateway.Property) bool { return p.Value == reachable.Value })
}

// begin takes the device for an action, which ends with end. It returns false if
// another is going on.
func (d *device) begin() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.busy {
		return false
	}
	d.busy = true
	return true
}

func (d *device) end() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.busy = false
}
