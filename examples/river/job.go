package main

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/riverqueue/river"

	"github.com/alexaevents/alexaevents/gateway"
	"github.com/alexaevents/alexaevents/lwa"
)

// args are the arguments of a job: an event for one grant.
type args struct {
	Key     lwa.Key          `json:"key"`
	Message *gateway.Message `json:"message"`
}

// Kind implements [river.JobArgs].
func (args) Kind() string { return "alexa_event" }

// enqueue inserts a job for each grant, as a part of the transaction.
func enqueue(ctx context.Context, tx *sql.Tx, client *river.Client[*sql.Tx], event gateway.Event, keys ...lwa.Key) error {
	for _, key := range keys {
		message, err := gateway.NewMessage(event)
		if err != nil {
			return err
		}
		if _, err := client.InsertTx(ctx, tx, args{key, message}, nil); err != nil {
			return err
		}
	}
	return nil
}

// worker sends the events of jobs.
type worker struct {
	river.WorkerDefaults[args]
	sender *gateway.Sender
}

// Work makes one attempt. River makes the others, until the event is too old.
func (w *worker) Work(ctx context.Context, job *river.Job[args]) error {
	message := job.Args.Message
	if time.Since(job.CreatedAt) > maxAge(message) {
		return river.JobCancel(errors.New("the event is too old"))
	}
	err := w.sender.Attempt(ctx, job.Args.Key, message)
	if err == nil || w.sender.MayRetry(message, err) {
		return err
	}
	return river.JobCancel(err)
}

func maxAge(message *gateway.Message) time.Duration {
	if message.Momentary() {
		return 30 * time.Second
	}
	return 15 * time.Minute
}
