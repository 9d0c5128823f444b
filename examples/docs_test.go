package examples

import (
	"go/parser"
	"go/token"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// Snippets of a document compile together, in order, as one program: whole files,
// declarations, and statements that continue main. What a document lets its
// reader fill in is declared here.
func TestSnippets(t *testing.T) {
	t.Parallel()
	packages := make(map[string][]string)
	for name, given := range map[string]string{
		"README.md": `
			var keys interface{ Keyfunc(*jwt.Token) (any, error) }
			var accountExists func(context.Context, string) (bool, error)
			var issuer, audience, accountID, amazonUserID, clientID, clientSecret string
			var complaintAt time.Time
			var directive json.RawMessage
			var customersCSV, grantsCSV io.Reader
			var postgresDB *sql.DB
			func open(*testing.T) *sqlstore.Store { return nil }`,
		"docs/operating.md": `
			var ctx context.Context
			var err error
			var db *sql.DB
			var store *sqlstore.Store
			var client *lwa.Client
			var tokens *lwa.Source
			var sender *gateway.Sender
			var server *http.Server
			var aead lwa.AEAD
			func accountOf(context.Context, string) (string, error) { return "", nil }
			func count(string, alexaevents.Region) {}`,
		"docs/outbox.md": `
			var ctx context.Context
			var err error
			var db *sql.DB
			var sender *gateway.Sender`,
		"docs/compliance.md": `
			var mux *http.ServeMux
			var verifier *signature.Verifier
			var skill, events http.Handler`,
	} {
		packages[name] = program(t, snippets(t, name), given)
	}
	compiles(t, packages)
}

// goBlock matches a block of Go, which may be indented below an item of a list.
var goBlock = regexp.MustCompile("(?ms)^ *```go\n(.*?)^ *```$")

// snippets returns the blocks of Go in a document of the repository.
func snippets(t *testing.T, document string) (blocks []string) {
	text, err := os.ReadFile("../" + document)
	require.NoError(t, err)
	for _, match := range goBlock.FindAllStringSubmatch(string(text), -1) {
		blocks = append(blocks, match[1])
	}
	require.NotEmpty(t, blocks, document)
	return blocks
}

// program returns the files that the blocks make. Each block of statements may
// declare again what an earlier one has declared.
func program(t *testing.T, blocks []string, given string) (files []string) {
	files = append(files, complete(t, given, nil))
	program, statements, depth := "package main\nfunc _() {\n}\n", "", 0
	for _, block := range blocks {
		_, err := parser.ParseFile(token.NewFileSet(), "", "package main\n"+block, 0)
		switch {
		case strings.Contains(block, "\nfunc main() {\n"):
			program = strings.TrimSpace(block) + "\n"
		case strings.HasPrefix(block, "package "):
			files = append(files, block)
		case err == nil:
			files = append(files, complete(t, block, nil))
		default:
			statements += "{\n" + block
			depth++
		}
	}
	body := regexp.MustCompile(`(?ms)^(func (?:main|_)\(\) \{\n.*?)^\}$`)
	statements += strings.Repeat("}\n", depth)
	program = body.ReplaceAllStringFunc(program, func(function string) string {
		return strings.TrimSuffix(function, "}") + statements + "}"
	})
	return append(files, complete(t, program, nil))
}

// The program of the README, and its test, are those of examples/backend.
func TestReadmeIsTheBackend(t *testing.T) {
	t.Parallel()
	readme := snippets(t, "README.md")
	for _, file := range []string{"main.go", "main_test.go"} {
		text, err := os.ReadFile("backend/" + file)
		require.NoError(t, err)
		_, code, found := strings.Cut(string(text), "package main\n")
		require.True(t, found)
		require.Contains(t, readme, "package main\n"+code)
	}
}
