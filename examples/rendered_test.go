package examples

import (
	"go/ast"
	"go/doc"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// Every example of every package compiles when it is copied out of its page
// alone: a whole file as it is, a function's body with the imports that goimports
// adds. So no example needs a helper that its reader does not see.
func TestRenderedExamples(t *testing.T) {
	t.Parallel()
	packages := make(map[string][]string)
	require.NoError(t, filepath.WalkDir("..", func(file string, _ fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(file, "_test.go") || privateFolder.MatchString(file) {
			return err
		}
		text, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		fset := token.NewFileSet()
		parsed, err := parser.ParseFile(fset, file, text, parser.ParseComments)
		if err != nil {
			return err
		}
		for _, example := range doc.Examples(parsed) {
			source := text[fset.Position(example.Code.Pos()).Offset:fset.Position(example.Code.End()).Offset]
			code := string(source)
			if _, whole := example.Code.(*ast.File); !whole {
				code = complete(t, "func main() "+code+"\n", imports(parsed))
			}
			packages[path.Dir(strings.TrimPrefix(file, "../"))+" Example"+example.Name] = []string{code}
		}
		return nil
	}))
	require.Greater(t, len(packages), 50)
	compiles(t, packages)
}

// imports returns the import paths of a file by the names that it uses.
func imports(file *ast.File) map[string]string {
	byName := make(map[string]string)
	for _, spec := range file.Imports {
		p := strings.Trim(spec.Path.Value, `"`)
		byName[packageName(p)] = p
		if spec.Name != nil {
			byName[spec.Name.Name] = p
		}
	}
	return byName
}
