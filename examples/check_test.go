package examples

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// module is the import path of the library.
const module = "github.com/alexaevents/alexaevents"

// known are the packages whose name alone tells a reader, or goimports, what to
// import: the library's, and those that documents use besides.
var known = sync.OnceValues(func() (map[string]string, error) {
	output, err := exec.Command("go", "list", module+"/...").Output()
	paths := append(strings.Fields(string(output)),
		"context", "database/sql", "encoding/json", "errors", "fmt", "io", "log/slog", "net/http", "testing", "time",
		"github.com/golang-jwt/jwt/v5", "github.com/jackc/pgx/v5/pgxpool", "github.com/jackc/pgx/v5/stdlib")
	byName := make(map[string]string)
	for _, p := range paths {
		if !privateFolder.MatchString(p) {
			byName[packageName(p)] = p
		}
	}
	return byName, err
})

// packageName returns the name that the last element of an import path suggests.
func packageName(importPath string) string {
	if dir, last := path.Split(importPath); regexp.MustCompile(`^v\d+$`).MatchString(last) {
		return path.Base(dir)
	}
	return path.Base(importPath)
}

// privateFolder matches the import paths of packages that users do not import.
var privateFolder = regexp.MustCompile("/(internal|examples|integration|bench|cmd)(/|$)")

// complete returns the source of a Go file with the imports that it lacks, as
// goimports adds them, and with a package clause. An import of imports, by name,
// goes before a known one.
func complete(t *testing.T, source string, imports map[string]string) string {
	t.Helper()
	packages, err := known()
	require.NoError(t, err)
	const clause = "package main\n"
	source = clause + strings.TrimPrefix(source, clause)
	file, err := parser.ParseFile(token.NewFileSet(), "", source, 0)
	require.NoError(t, err, source)
	lacking := make(map[string]string)
	for _, identifier := range file.Unresolved {
		p := cmp.Or(imports[identifier.Name], packages[identifier.Name])
		if p != "" && !slices.ContainsFunc(file.Imports, func(spec *ast.ImportSpec) bool { return spec.Path.Value == strconv.Quote(p) }) {
			lacking[identifier.Name] = p
		}
	}
	header := clause
	for name, p := range lacking {
		header += fmt.Sprintf("import %s %q\n", name, p)
	}
	return header + strings.TrimPrefix(source, clause)
}

// compiles type-checks packages, each a list of sources of whole files, by name.
// A variable or an import that is not used is no error here: snippets and
// examples may leave the use to their readers.
func compiles(t *testing.T, packages map[string][]string) {
	t.Helper()
	fset := token.NewFileSet()
	files := make(map[string][]*ast.File)
	paths := make(map[string]bool)
	for name, sources := range packages {
		for _, source := range sources {
			file, err := parser.ParseFile(fset, name, source, 0)
			require.NoError(t, err, source)
			files[name] = append(files[name], file)
			for _, spec := range file.Imports {
				paths[strings.Trim(spec.Path.Value, `"`)] = true
			}
		}
	}
	check := types.Config{Importer: importer.ForCompiler(fset, "gc", exports(t, paths))}
	for name, files := range files {
		t.Run(name, func(t *testing.T) {
			var found []error
			check.Error = func(err error) {
				if problem := (types.Error{}); !errors.As(err, &problem) || !problem.Soft {
					found = append(found, err)
				}
			}
			_, _ = check.Check(name, fset, files, nil) // Error has each error
			require.NoError(t, errors.Join(found...))
		})
	}
}

// exports returns what opens the compiled form of each of these packages and of
// those that they need.
func exports(t *testing.T, paths map[string]bool) importer.Lookup {
	args := []string{"list", "-export", "-deps", "-f", "{{.ImportPath}} {{.Export}}"}
	for p := range paths {
		args = append(args, p)
	}
	var stderr bytes.Buffer
	cmd := exec.CommandContext(t.Context(), "go", args...)
	cmd.Stderr = &stderr
	output, err := cmd.Output()
	require.NoError(t, err, "%s", stderr.String())
	compiled := make(map[string]string)
	for line := range strings.Lines(string(output)) {
		p, file, _ := strings.Cut(strings.TrimSpace(line), " ")
		compiled[p] = file
	}
	return func(p string) (io.ReadCloser, error) { return os.Open(compiled[p]) }
}
