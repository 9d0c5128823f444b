package main

import (
	"reflect"
	"slices"
	"time"

	"github.com/alexaevents/alexaevents/gateway"
)

// update stores the properties that the device reported. It returns true if there is
// something to report to Alexa and no goroutine reports it: then the caller must call
// report until that returns nil.
func (d *device) update(cause gateway.Cause, reported ...gateway.Property) (start bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, p := range reported {
		i := slices.IndexFunc(d.state, func(s sample) bool { return s.Namespace == p.Namespace && s.Name == p.Name })
		if i < 0 {
			continue // the discovery response does not have this property
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

// report returns the next report for Alexa, nil if there is none. Changes during the
// sending of a report are in the next one together, with their last values.
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

// properties returns the properties as the device last reported them.
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

// begin starts an action, which ends with end. It returns false if another action has
// not ended.
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
