// Quickstart shows the library at work, without Amazon: an Amazon made up on
// this machine sends signed events over HTTP to the backend of a skill, which is
// a process of its own and keeps its customer table in a SQLite file; given a
// postgres:// URL, it keeps it in PostgreSQL. The program tells what happens,
// checks each step, and exits with 1 as soon as something is not as it should be.
//
//	go run ./examples/quickstart
//
// The folder backend is the backend, to copy; the files here are the stage. A whole
// smart home skill is in examples/smarthome.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/alexaevents/alexaevents/examples/quickstart/backend"
)

const usage = `usage:
  quickstart            tells the story
  quickstart backend    is the backend of the skill until its standard input ends
  quickstart erase      erases an account from the backend's database`

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:])
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "quickstart:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	switch {
	case len(args) == 0:
		return tellStory(ctx, os.Stdout)
	case args[0] == "backend":
		return serveCommand(ctx, args[1:], (*backend.Skill).Handler)
	case args[0] == "erase":
		return eraseCommand(ctx, args[1:])
	}
	return fmt.Errorf("unknown command %q\n%s", args[0], usage)
}
