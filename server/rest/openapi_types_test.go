package rest_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/sluice-proxy/sluice/server/rest/resttest"
)

// Generators make a type of each schema. What they cannot make one of is kept out of the document: unions, null alone,
// lists of unknown things, and numbers of unknown width, which Java would make too narrow for an offset.
func TestEverySchemaHasOneType(t *testing.T) {
	t.Parallel()
	n := 0
	for at, schema := range schemas(resttest.TheContract().Doc, "#") {
		n++
		if wrong := typeless(schema); wrong != "" {
			t.Errorf("%s: %s", at, wrong)
		}
		if strings.Contains(at, "/properties/") && schema["default"] != nil {
			t.Errorf("%s: a default, which some generators send, and others demand", at)
		}
	}
	if n < 300 {
		t.Errorf("%d schemas were found: too few", n)
	}
}

// schemas are all schemas below the node, by where they are. Examples, and what only we read (x-...), are no part.
func schemas(node any, at string) map[string]resttest.Object {
	found := map[string]resttest.Object{}
	switch node := node.(type) {
	case []any:
		for i, part := range node {
			maps.Copy(found, schemas(part, fmt.Sprintf("%s/%d", at, i)))
		}
	case resttest.Object:
		for name, part := range node {
			below := at + "/" + name
			if name == "example" || strings.HasPrefix(name, "x-") && !strings.HasSuffix(at, "/properties") {
				continue
			}
			if schema, is := part.(resttest.Object); is && isSchema(at, name) {
				found[below] = schema
			}
			maps.Copy(found, schemas(part, below))
		}
	}
	return found
}

// isSchema reports whether the name in the object at a place names a schema.
func isSchema(at, name string) bool {
	inside := at[strings.LastIndex(at, "/")+1:]
	return inside == "properties" || inside == "schemas" || name == "schema" || name == "items" || name == "additionalProperties"
}

// typeless says what keeps a schema from being a type; nothing if it is one. A schema without anything is any JSON.
func typeless(schema resttest.Object) string {
	for _, name := range []string{"oneOf", "anyOf", "allOf", "not", "if", "patternProperties"} {
		if schema[name] != nil {
			return name + " is no type"
		}
	}
	types := oneOrMore(schema["type"])
	other := slices.DeleteFunc(slices.Clone(types), func(name string) bool { return name == "null" })
	switch {
	case len(types) == 0 && (schema["enum"] != nil || schema["const"] != nil || schema["properties"] != nil):
		return "values without a type"
	case len(types) > 0 && len(other) != 1:
		return fmt.Sprintf("%v is not one type, or one that may be null", types)
	case slices.Contains(types, "array") && schema["items"] == nil:
		return "a list without items"
	case slices.Contains(types, "integer") && schema["format"] == nil:
		return "an integer without a format"
	}
	return ""
}

func oneOrMore(given any) (names []string) {
	if name, is := given.(string); is {
		return []string{name}
	}
	list, _ := given.([]any)
	for _, name := range list {
		names = append(names, name.(string))
	}
	return names
}
