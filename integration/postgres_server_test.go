package integration

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	osuser "os/user"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
)

// postgresName is the environment variable that names a PostgreSQL server to
// test on: a connection string, of a role that may create schemas and roles.
const postgresName = "ALEXAEVENTS_POSTGRES"

// errNoPostgres says that there is neither a server nor the programs for one.
var errNoPostgres = errors.New("no PostgreSQL: install it, or name a server in " + postgresName)

// postgres is the server that the tests share. The first that needs it starts
// it, and TestMain stops it.
var postgres struct {
	once   sync.Once
	source string // the connection string
	err    error
	stop   func() error // nil if there is nothing to stop
}

func postgresServer(t testing.TB) (source string) {
	postgres.once.Do(func() {
		if postgres.source = os.Getenv(postgresName); postgres.source != "" {
			return
		}
		var programs string
		if programs, postgres.err = postgresPrograms(); postgres.err == nil {
			postgres.source, postgres.stop, postgres.err = startPostgres(programs)
		}
	})
	if errors.Is(postgres.err, errNoPostgres) && os.Getenv("CI") == "" {
		t.Skip(postgres.err)
	}
	require.NoError(t, postgres.err)
	return postgres.source
}

// postgresPrograms returns the folder of initdb and postgres, those of the
// newest version that is installed.
func postgresPrograms() (string, error) {
	if path, err := exec.LookPath("postgres"); err == nil {
		if path, err = filepath.EvalSymlinks(path); err == nil {
			return filepath.Dir(path), nil
		}
	}
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/postgres") // Debian's
	if err != nil || len(found) == 0 {
		return "", errNoPostgres
	}
	version := func(path string) int {
		n, _ := strconv.Atoi(filepath.Base(filepath.Dir(filepath.Dir(path))))
		return n
	}
	newest := slices.MaxFunc(found, func(a, b string) int { return version(a) - version(b) })
	return filepath.Dir(newest), nil
}

// startPostgres makes a server in a folder of its own, with a socket there and
// no port.
func startPostgres(programs string) (source string, stop func() error, err error) {
	dir, err := os.MkdirTemp("", "alexaevents-postgres-")
	if err != nil {
		return "", nil, err
	}
	var become []string // PostgreSQL refuses to run as root
	if os.Getuid() == 0 {
		become = []string{"runuser", "-u", "postgres", "--"}
		if err := giveTo("postgres", dir); err != nil {
			return "", nil, err
		}
	}
	// It sorts as a dictionary does, which is a harder test, where it can. It ends,
	// and its folder with it, when its input does: however this process ends.
	const script = `
programs=$1 dir=$2
init() { "$programs/initdb" -D "$dir/data" -U postgres --auth=trust --encoding=UTF8 --no-sync "$@" >"$dir/log" 2>&1; }
init --locale-provider=icu --icu-locale=en-US || init || exit 1
"$programs/postgres" -D "$dir/data" -k "$dir" -c listen_addresses= -c fsync=off >>"$dir/log" 2>&1 &
server=$!
trap 'kill -QUIT $server; wait $server; rm -rf "$dir"' EXIT
trap exit HUP INT TERM
read -r _
exit 0`
	args := append(slices.Clone(become), "sh", "-c", script, "sh", programs, dir)
	command := exec.Command(args[0], args[1:]...)
	command.Dir = dir
	var output bytes.Buffer
	command.Stdout, command.Stderr = &output, &output
	input, err := command.StdinPipe()
	if err != nil {
		return "", nil, err
	}
	if err := command.Start(); err != nil {
		return "", nil, err
	}
	ended := make(chan error, 1)
	go func() { ended <- command.Wait() }()
	source = fmt.Sprintf("host=%s user=postgres dbname=postgres", dir)
	stop = func() error { return errors.Join(input.Close(), <-ended) }
	return source, stop, awaitPostgres(source, ended, filepath.Join(dir, "log"))
}

// giveTo makes the folder another user's.
func giveTo(name, dir string) error {
	owner, err := osuser.Lookup(name)
	if err != nil {
		return err
	}
	uid, err := strconv.Atoi(owner.Uid)
	if err != nil {
		return err
	}
	gid, err := strconv.Atoi(owner.Gid)
	if err != nil {
		return err
	}
	return os.Chown(dir, uid, gid)
}

// awaitPostgres returns once the server answers.
func awaitPostgres(source string, ended <-chan error, log string) error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	for {
		conn, err := pgx.Connect(ctx, source)
		if err == nil {
			return conn.Close(ctx)
		}
		select {
		case err = <-ended:
		case <-ctx.Done():
		case <-time.After(20 * time.Millisecond):
			continue
		}
		words, _ := os.ReadFile(log)
		return fmt.Errorf("PostgreSQL does not start: %w: %s", err, words)
	}
}
