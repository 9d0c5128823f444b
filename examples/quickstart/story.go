package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"time"
)

// tellStory tells the story to out. Its error is the first thing that was not as
// it should be, with the log of the backend.
func tellStory(ctx context.Context, out io.Writer) (err error) {
	timed, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	dir, err := os.MkdirTemp("", "quickstart")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	s, err := setUp(timed, out, dir)
	defer func() {
		s.tearDown()
		if err != nil && ctx.Err() == nil {
			err = fmt.Errorf("%w\nThe log of the backend:\n%s", err, s.log.String())
		}
	}()
	if err != nil {
		return err
	}

	fmt.Fprintln(out, "The backend of an Alexa skill and a made-up Amazon: real HTTP, signatures, SQLite and processes.")
	for i, chapter := range []struct {
		title string
		tell  func(context.Context) error
	}{
		{"Customers come and go", s.comeAndGo},
		{"Strangers knock", s.strangers},
		{"Customers speak to the skill", s.speak},
		{"A lamp is switched on", s.lampGoesOn},
		{"The backend is killed", s.killed},
		{"An account is erased", s.erased},
		{"The lamp in bad weather", s.lampInBadWeather},
		{"News of the skill, and of a hotel", s.newsArrives},
		{"The backend stops, and its log is read", s.readLog},
		{"The customer table", s.showTable},
	} {
		fmt.Fprintf(out, "\n%d. %s\n", i+1, chapter.title)
		if err := chapter.tell(timed); err != nil {
			return fmt.Errorf("%d. %s: %w", i+1, chapter.title, err)
		}
	}
	fmt.Fprint(out, "\nNext, read examples/quickstart/backend: it is the folder to copy. Then\n"+
		"`go doc github.com/alexaevents/alexaevents` lists the packages.\n")
	return nil
}
