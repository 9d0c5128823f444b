// Quickstart runs the backend of a skill against a fake Amazon. The backend is a
// process of its own, receives signed requests over HTTP and keeps its customer table
// in a SQLite file, or in PostgreSQL if its database is a postgres:// URL. The program
// prints each step and checks its result. It exits with 1 after the first step that
// fails.
//
//	go run ./examples/quickstart
//
// The folder backend contains the backend, to copy. The files here are the scenario
// that tests it. A whole smart home skill is in examples/smarthome.
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
  quickstart            runs the scenario
  quickstart backend    runs the backend of the skill until its standard input ends
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
		return runScenario(ctx, os.Stdout)
	case args[0] == "backend":
		return serveCommand(ctx, args[1:], (*backend.Skill).Handler)
	case args[0] == "erase":
		return eraseCommand(ctx, args[1:])
	}
	return fmt.Errorf("unknown command %q\n%s", args[0], usage)
}
