package play

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stretchr/testify/require"

	"github.com/alexaevents/alexaevents"
)

// The schema accepts and refuses what Read does.
func TestSchema(t *testing.T) {
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(Schema))
	require.NoError(t, err)
	compiler := jsonschema.NewCompiler()
	require.NoError(t, compiler.AddResource("schema.json", document))
	schema, err := compiler.Compile("schema.json")
	require.NoError(t, err)
	validate := func(text []byte) error {
		encoded, err := yaml.YAMLToJSON(text)
		require.NoError(t, err, "%s", text)
		value, err := jsonschema.UnmarshalJSON(bytes.NewReader(encoded))
		if err != nil { // an empty document
			return err
		}
		return schema.Validate(value)
	}
	for _, text := range valid {
		require.NoError(t, validate([]byte(text)), text)
	}
	for _, test := range invalid {
		require.Error(t, validate([]byte(test.text)), test.text)
	}
	examples, err := filepath.Glob("../../../../examples/scenarios/*.yaml")
	require.NoError(t, err)
	require.NotEmpty(t, examples)
	for _, file := range examples {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		require.NoError(t, validate(text), file)
	}
}

// The schema has the keys of the code, of the same types, each with a description.
func TestSchemaKeys(t *testing.T) {
	var schema struct {
		Properties map[string]any
		Defs       map[string]struct {
			Type, Description string
			Properties        map[string]struct {
				Type        string
				Ref         string `json:"$ref"`
				Description string
			}
		} `json:"$defs"`
	}
	require.NoError(t, json.Unmarshal(Schema, &schema))
	want := map[string]string{}
	have := map[string]string{}
	for name, def := range schema.Defs {
		if kinds[name] == nil {
			continue
		}
		for key, p := range def.Properties {
			kind, description := p.Type, p.Description
			if target, ok := strings.CutPrefix(p.Ref, "#/$defs/"); ok {
				kind, description = schema.Defs[target].Type, schema.Defs[target].Description
			}
			require.NotEmpty(t, description, "%s: %s", name, key)
			have[name+" "+key] = kind
		}
	}
	for name, action := range kinds {
		want[name+" "+name] = "string"
		if name == "wait" { // an enumeration
			want[name+" "+name] = ""
		}
		for _, field := range reflect.VisibleFields(reflect.TypeOf(action()).Elem()) {
			if key := field.Tag.Get("yaml"); key != "" && !field.Anonymous {
				want[name+" "+key] = jsonType(field.Type)
			}
		}
	}
	require.Equal(t, want, have)
}

func jsonType(t reflect.Type) string {
	switch {
	case t == reflect.TypeFor[alexaevents.Region](): // an enumeration
		return ""
	case t == reflect.TypeFor[time.Duration](), t == reflect.TypeFor[*time.Duration]():
		return "string"
	case t.Kind() == reflect.Pointer:
		return jsonType(t.Elem())
	}
	return map[reflect.Kind]string{reflect.String: "string", reflect.Int: "integer", reflect.Bool: "boolean", reflect.Map: "object"}[t.Kind()]
}
