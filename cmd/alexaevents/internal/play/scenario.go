// Package play plays scenarios: files that say what customers of a skill do and how
// Amazon fails, and what the backend must make of it.
package play

import (
	"cmp"
	_ "embed"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// Schema is the JSON Schema of scenarios. A test compares it with the code.
//
//go:embed schema.json
var Schema []byte

// Scenario is what one file describes.
type Scenario struct {
	File  string
	Name  string
	steps []step
}

// Error is a mistake in a file, or what was not as its line expects.
type Error struct {
	File    string
	Line    int
	Message string
}

func (e *Error) Error() string { return fmt.Sprintf("%s:%d: %s", e.File, e.Line, e.Message) }

// Read reads a scenario. ${NAME} in a text becomes the value of the environment
// variable. Every mistake of the file is an [Error].
func Read(file string) (*Scenario, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	s := &Scenario{File: file}
	if err := s.read(data); err != nil {
		return nil, s.located(err)
	}
	s.Name = cmp.Or(s.Name, strings.TrimSuffix(filepath.Base(file), filepath.Ext(file)))
	return s, nil
}

func (s *Scenario) read(data []byte) (err error) {
	defer func() {
		if recover() != nil { // of the parser, by a tag in the wrong place
			err = at(1, "not YAML that can be read")
		}
	}()
	document, err := parser.ParseBytes(data, 0)
	if err != nil {
		return err
	}
	if len(document.Docs) != 1 || document.Docs[0].Body == nil {
		return at(1, "not one YAML document with steps")
	}
	body := document.Docs[0].Body
	if err := expand(body); err != nil {
		return err
	}
	var content struct {
		Name  string     `yaml:"name"`
		Steps []ast.Node `yaml:"steps"`
	}
	decoder := yaml.NewDecoder(strings.NewReader(""), yaml.Strict()) // one for all, since it knows the anchors
	if err := decoder.DecodeFromNode(body, &content); err != nil {
		return err
	}
	if len(content.Steps) == 0 {
		return at(1, "the scenario has no steps")
	}
	s.Name = content.Name
	for i, node := range content.Steps {
		if node == nil {
			return at(1, "step %d is empty", i+1)
		}
		step, err := readStep(decoder, node)
		if err != nil {
			return err
		}
		s.steps = append(s.steps, step)
	}
	return nil
}

// at returns an Error whose file is not known yet.
func at(line int, format string, values ...any) *Error {
	return &Error{Line: line, Message: fmt.Sprintf(format, values...)}
}

// located returns the error with the file, and the line if the error is one of YAML.
func (s *Scenario) located(err error) error {
	if e, ok := errors.AsType[*Error](err); ok {
		e.File = s.File
		return e
	}
	located := &Error{s.File, 1, err.Error()}
	if wrong, ok := errors.AsType[yaml.Error](err); ok {
		located.Message = wrong.GetMessage()
		if token := wrong.GetToken(); token != nil && token.Position != nil {
			located.Line = token.Position.Line
		}
	}
	if wrong, ok := errors.AsType[*yaml.TypeError](err); ok {
		located.Message = "expected " + typeName(wrong.DstType)
	}
	return located
}

// typeName is a type of Go in the words of YAML.
func typeName(t reflect.Type) string {
	switch {
	case t == reflect.TypeFor[time.Duration]():
		return "a duration such as 500ms, 5s or 30m"
	case t.Kind() == reflect.Int:
		return "a whole number"
	case t.Kind() == reflect.Bool:
		return "true or false"
	}
	return "a text"
}

var variable = regexp.MustCompile(`\$\{([A-Za-z_][A-Za-z0-9_]*)\}`)

// expand replaces ${NAME} in the texts of a document.
func expand(body ast.Node) error {
	expander := new(expander)
	ast.Walk(expander, body)
	return expander.err
}

type expander struct{ err error }

func (e *expander) Visit(node ast.Node) ast.Visitor {
	text, ok := node.(*ast.StringNode)
	if !ok || e.err != nil {
		return e
	}
	text.Value = variable.ReplaceAllStringFunc(text.Value, func(found string) string {
		name := variable.FindStringSubmatch(found)[1]
		value, ok := os.LookupEnv(name)
		if !ok && e.err == nil {
			e.err = at(text.Token.Position.Line, "the environment variable %s is not set", name)
		}
		return value
	})
	return e
}

// readStep reads one step: a key that says what happens, and keys that say how.
func readStep(decoder *yaml.Decoder, node ast.Node) (step, error) {
	line := node.GetToken().Position.Line
	if word, ok := node.(*ast.StringNode); ok && word.Value == "heal" {
		return step{line: line, kind: word.Value, action: heal{}}, nil
	}
	mapping, ok := node.(*ast.MappingNode)
	if !ok {
		return step{}, at(line, "not a step: write heal, or a key and a value, such as enable: anna")
	}
	s := step{lines: make(map[string]int)}
	options := *mapping
	options.Values = nil
	for _, member := range mapping.Values {
		key := member.Key.String()
		line := member.Key.GetToken().Position.Line
		s.lines[key] = line
		if kinds[key] == nil {
			options.Values = append(options.Values, member)
			continue
		}
		if s.kind != "" {
			return step{}, at(line, "a step is one of %s and %s, not both", s.kind, key)
		}
		s.kind, s.line = key, line
		if err := decoder.DecodeFromNode(member.Value, &s.value); err != nil {
			return step{}, err
		}
		s.text = s.value
		if text, ok := member.Value.(*ast.StringNode); ok {
			s.text = text.Token.Value // not expanded
		}
		if s.value == "" {
			return step{}, at(line, "%s: the value is empty", key)
		}
	}
	if s.kind == "" {
		return step{}, at(line, "the step is not heal and has none of the keys %s", strings.Join(kindNames(), ", "))
	}
	s.action = kinds[s.kind]()
	if len(options.Values) > 0 {
		if err := decoder.DecodeFromNode(&options, s.action); err != nil {
			return step{}, err
		}
	}
	if err := s.action.check(&s); err != nil {
		return step{}, err
	}
	return s, nil
}

func kindNames() []string {
	var names []string
	for name := range kinds {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}
