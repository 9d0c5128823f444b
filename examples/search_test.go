package examples

import (
	"go/doc"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const packageSite = "https://pkg.go.dev/" + module

var link = regexp.MustCompile(`\[[^\]]+\]\(([^)#\s]*)#?([^)\s]*)\)`)

// Each question in llms.txt leads to its answer in two steps: the README links to the
// page, and the text of the identifier or heading on it contains the search words.
func TestQuestions(t *testing.T) {
	t.Parallel()
	list, err := os.ReadFile("../llms.txt")
	require.NoError(t, err)
	readme, err := os.ReadFile("../README.md")
	require.NoError(t, err)
	_, questions, found := strings.Cut(string(list), "\n## Questions\n")
	require.True(t, found)
	count := 0
	for line := range strings.Lines(questions) {
		question, words, found := strings.Cut(strings.TrimSpace(line), "): ")
		if !found {
			continue
		}
		count++
		target := link.FindStringSubmatch(question + ")")
		require.NotNil(t, target, line)
		require.Contains(t, string(readme), target[1], "the README does not link to the page of %s", line)
		text := strings.ToLower(textAt(t, target[1], target[2]))
		for word := range strings.SplitSeq(words, ", ") {
			require.Contains(t, text, strings.ToLower(word), line)
		}
	}
	require.GreaterOrEqual(t, count, 30)
}

// textAt returns the text under a heading of a document, or that of an identifier or
// an example of a package.
func textAt(t *testing.T, page, anchor string) string {
	path, isPackage := strings.CutPrefix(page, packageSite)
	if !isPackage {
		return section(t, page, anchor)
	}
	if name, ok := strings.CutPrefix(anchor, "example-"); ok {
		return exampleDoc(t, path, name)
	}
	output, err := exec.CommandContext(t.Context(), "go", "doc", module+path, anchor).CombinedOutput()
	require.NoError(t, err, "%s", output)
	return oneLine(string(output))
}

// section returns the text from a heading of a document to the next heading that is
// not below it.
func section(t *testing.T, page, anchor string) string {
	text, err := os.ReadFile("../" + page)
	require.NoError(t, err)
	level, within := "", ""
	for line := range strings.Lines(string(text)) {
		marks, title, isHeading := strings.Cut(strings.TrimSpace(line), " ")
		isHeading = isHeading && strings.Trim(marks, "#") == "" && marks != ""
		switch {
		case level == "" && isHeading && headingAnchor(title) == anchor:
			level = marks
		case level != "" && isHeading && len(marks) <= len(level):
			return oneLine(within)
		case level != "":
			within += line
		}
	}
	require.NotEmpty(t, level, "%s has no heading for #%s", page, anchor)
	return oneLine(within)
}

// headingAnchor returns the anchor that GitHub gives a heading.
func headingAnchor(title string) string {
	kept := regexp.MustCompile(`[^\w -]`).ReplaceAllString(strings.ToLower(title), "")
	return strings.ReplaceAll(kept, " ", "-")
}

func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }

func exampleDoc(t *testing.T, folder, name string) string {
	files, err := filepath.Glob("../" + folder + "/*_test.go")
	require.NoError(t, err)
	for _, file := range files {
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ParseComments)
		require.NoError(t, err)
		for _, example := range doc.Examples(parsed) {
			if example.Name == name {
				return oneLine(example.Doc)
			}
		}
	}
	t.Fatalf("no example of %s in %s", name, folder)
	return ""
}

// A link from a document to a file of the repository, or to a heading, leads there.
func TestLinks(t *testing.T) {
	t.Parallel()
	documents, err := filepath.Glob("../docs/*.md")
	require.NoError(t, err)
	for _, document := range append(documents, "../README.md", "../SECURITY.md", "../CONTRIBUTING.md", "../llms.txt") {
		text, err := os.ReadFile(document)
		require.NoError(t, err)
		for _, target := range link.FindAllStringSubmatch(string(text), -1) {
			file, anchor := target[1], target[2]
			if strings.Contains(file, ":") {
				continue
			}
			page := strings.TrimPrefix(document, "../")
			if file != "" {
				page = filepath.Join(filepath.Dir(page), file)
			}
			_, err := os.Stat("../" + page)
			require.NoError(t, err, "%s: %s", document, target[0])
			if anchor != "" {
				section(t, page, anchor)
			}
		}
	}
}
