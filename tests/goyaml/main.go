// Reads documents as a Kubernetes API server and kubectl do, for comparison with reconciler.manifests.load.
//
// Input: one JSON string a line, each the text of one YAML document. Output: one JSON object a line, either
// {"error": words} or {"value": …, "strict": words}, where a float is {"$float": digits} and an integer is a number.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"strconv"

	kjson "sigs.k8s.io/json"
	"sigs.k8s.io/yaml"
)

type answer struct {
	Error  string `json:"error,omitempty"`
	Strict string `json:"strict,omitempty"`
	Value  any    `json:"value"`
}

func read(text string) (result answer) {
	defer func() {
		if caught := recover(); caught != nil {
			result = answer{Error: fmt.Sprint(caught)}
		}
	}()
	encoded, err := yaml.YAMLToJSON([]byte(text))
	if err != nil {
		return answer{Error: err.Error()}
	}
	var value any
	if err := kjson.UnmarshalCaseSensitivePreserveInts(encoded, &value); err != nil {
		return answer{Error: err.Error()}
	}
	result.Value = marked(value)
	if _, err := yaml.YAMLToJSONStrict([]byte(text)); err != nil {
		result.Strict = err.Error()
	}
	return result
}

func marked(value any) any {
	switch typed := value.(type) {
	case map[string]any:
		for key, item := range typed {
			typed[key] = marked(item)
		}
	case []any:
		for index, item := range typed {
			typed[index] = marked(item)
		}
	case float64:
		return map[string]any{"$float": strconv.FormatFloat(typed, 'g', -1, 64)}
	}
	return value
}

func main() {
	in := bufio.NewScanner(os.Stdin)
	in.Buffer(make([]byte, 1<<20), 64<<20)
	out := bufio.NewWriter(os.Stdout)
	defer out.Flush()
	encoder := json.NewEncoder(out)
	for in.Scan() {
		var text string
		if err := json.Unmarshal(in.Bytes(), &text); err != nil {
			panic(err)
		}
		if err := encoder.Encode(read(text)); err != nil {
			panic(err)
		}
	}
	if err := in.Err(); err != nil {
		panic(err)
	}
}
