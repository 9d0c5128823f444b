package integration

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
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
)

// postgresName is the environment variable that names a PostgreSQL server to
// test on: a postgres:// URL, of a role that may create schemas and roles.
const postgresName = "ALEXAEVENTS_POSTGRES"

// errNoPostgres is the error without a server and without the programs for one.
var errNoPostgres = errors.New("no PostgreSQL: install it, or name a server in " + postgresName)

// postgres is the server that the tests share. The first that needs it starts
// it, and TestMain stops it.
var postgres struct {
	once   sync.Once
	source string // the connection string
	err    error
	server *server // nil if it is not the tests' own
}

func postgresServer(t testing.TB) (source string) {
	postgres.once.Do(func() {
		if postgres.source = os.Getenv(postgresName); postgres.source != "" {
			return
		}
		if postgres.server, postgres.err = startPostgres(); postgres.err == nil {
			postgres.source = postgres.server.source
		}
	})
	needServer(t, postgres.err, errNoPostgres)
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

// server is a PostgreSQL server of the tests' own.
type server struct {
	source string         // the connection string
	dir    string         // where its data, its socket and its log are
	input  io.WriteCloser // a line crashes it and starts it again, the end ends it
	output *bufio.Reader  // a line says that it has crashed
	ended  chan error
}

// startPostgres makes a server in a folder of its own, with a socket there and
// no port. A setting like fsync=on replaces one of the tests' own.
func startPostgres(settings ...string) (*server, error) {
	programs, err := postgresPrograms()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "alexaevents-postgres-")
	if err != nil {
		return nil, err
	}
	var become []string // PostgreSQL refuses to run as root
	if os.Getuid() == 0 {
		become = []string{"runuser", "-u", "postgres", "--"}
		if err := giveTo("postgres", dir); err != nil {
			return nil, err
		}
	}
	// It sorts as a dictionary does, which is a harder test, where it can. It ends,
	// and its folder with it, when its input does: however this process ends. After
	// QUIT it recovers as after a crash, and none of its processes is left.
	const script = `
programs=$1 dir=$2
shift 2
init() { "$programs/initdb" -D "$dir/data" -U postgres --auth=trust --encoding=UTF8 --no-sync "$@" >"$dir/log" 2>&1; }
init --locale-provider=icu --icu-locale=en-US || init || exit 1
serve() {
	"$programs/postgres" -D "$dir/data" -k "$dir" -c listen_addresses= -c fsync=off "$@" >>"$dir/log" 2>&1 &
	server=$!
}
crash() { kill -QUIT $server; wait $server; }
serve "$@"
trap 'crash; rm -rf "$dir"' EXIT
trap exit HUP INT TERM
while read -r _; do
	crash
	echo crashed
	serve "$@"
done
exit 0`
	args := append(slices.Clone(become), "sh", "-c", script, "sh", programs, dir)
	for _, setting := range settings {
		args = append(args, "-c", setting)
	}
	command := exec.Command(args[0], args[1:]...)
	command.Dir = dir
	s := &server{
		source: (&url.URL{Scheme: "postgres", User: url.User("postgres"), Path: "/postgres", RawQuery: url.Values{"host": {dir}}.Encode()}).String(),
		dir:    dir,
		ended:  make(chan error, 1),
	}
	if s.input, err = command.StdinPipe(); err != nil {
		return nil, err
	}
	output, err := command.StdoutPipe()
	if err != nil {
		return nil, err
	}
	s.output = bufio.NewReader(output)
	if err := command.Start(); err != nil {
		return nil, err
	}
	go func() {
		s.ended <- command.Wait()
		close(s.ended)
	}()
	return s, s.await()
}

// crash ends the server without a shutdown, and starts it again on the same data. It
// returns once the server responds.
func (s *server) crash() error {
	if _, err := io.WriteString(s.input, "\n"); err != nil {
		return err
	}
	if _, err := s.output.ReadString('\n'); err != nil {
		return err
	}
	return s.await()
}

// killOne kills one of the server's processes that has a client: the server then ends
// all others, and recovers.
func (s *server) killOne() error {
	ctx := context.Background()
	conn, err := pgx.Connect(ctx, s.source)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(ctx) }() // the server ends it too
	var pid int
	err = conn.QueryRow(ctx, `SELECT pid FROM pg_stat_activity
		WHERE backend_type = 'client backend' ORDER BY pid = pg_backend_pid(), random() LIMIT 1`).Scan(&pid)
	if err != nil {
		return err
	}
	victim, err := os.FindProcess(pid)
	if err != nil {
		return err
	}
	if err := victim.Kill(); err != nil {
		return err
	}
	return s.await()
}

func (s *server) stop() error { return errors.Join(s.input.Close(), <-s.ended) }

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

// await returns once the server responds.
func (s *server) await() error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	for {
		conn, err := pgx.Connect(ctx, s.source)
		if err == nil {
			return conn.Close(ctx)
		}
		select {
		case err = <-s.ended:
		case <-ctx.Done():
		case <-time.After(20 * time.Millisecond):
			continue
		}
		words, _ := os.ReadFile(filepath.Join(s.dir, "log"))
		return fmt.Errorf("PostgreSQL does not start: %w: %s", err, words)
	}
}
