// Package outbox delivers events to the Alexa event gateway from the backend's own
// database: a backend enqueues an event in the transaction of its own change, and
// the event reaches the gateway even if the process ends, the gateway throttles or a
// region fails for an hour.
package outbox
