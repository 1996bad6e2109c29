// Answers calls of Lua functions as GopherLua does, one JSON document a line in, one out.
//
// The world of a script is the one that spec rendering-and-status §3.4 describes, as far as it decides values: which libraries there
// are, and what raises. No `kube` library and no limits.
package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"sort"
	"strconv"

	lua "github.com/yuin/gopher-lua"
)

type call struct {
	Script    string            `json:"script"`
	Function  string            `json:"function"`
	Arguments []json.RawMessage `json:"arguments"`
	Results   int               `json:"results"`
}

type answer struct {
	Values []any  `json:"values"`
	Error  string `json:"error,omitempty"`
}

var forbidden = []string{"collectgarbage", "dofile", "getfenv", "getmetatable", "load", "loadfile", "loadstring", "rawequal",
	"rawget", "rawset", "setfenv", "setmetatable", "module", "newproxy"}

func main() {
	in := bufio.NewReaderSize(os.Stdin, 1<<20)
	out := bufio.NewWriter(os.Stdout)
	defer out.Flush()
	decoder := json.NewDecoder(in)
	encoder := json.NewEncoder(out)
	for decoder.More() {
		var one call
		if err := decoder.Decode(&one); err != nil {
			panic(err)
		}
		if err := encoder.Encode(run(one)); err != nil {
			panic(err)
		}
	}
}

func run(one call) (result answer) {
	defer func() {
		// Some of GopherLua's library functions panic on odd arguments.
		if problem := recover(); problem != nil {
			result = answer{Error: fmt.Sprint(problem)}
		}
	}()
	state := lua.NewState(lua.Options{SkipOpenLibs: true})
	defer state.Close()
	open(state)
	if err := state.DoString(one.Script); err != nil {
		return answer{Error: err.Error()}
	}
	function := state.GetGlobal(one.Function)
	if function.Type() != lua.LTFunction {
		return answer{Error: "no such function"}
	}
	arguments := make([]lua.LValue, len(one.Arguments))
	for index, raw := range one.Arguments {
		decoder := json.NewDecoder(bytes.NewReader(raw))
		decoder.UseNumber()
		var value any
		if err := decoder.Decode(&value); err != nil {
			panic(err)
		}
		arguments[index] = toLua(state, value)
	}
	if err := state.CallByParam(lua.P{Fn: function, NRet: one.Results, Protect: true}, arguments...); err != nil {
		return answer{Error: err.Error()}
	}
	values := make([]any, one.Results)
	for index := range values {
		values[index] = dump(state.Get(index-one.Results), map[*lua.LTable]bool{})
	}
	return answer{Values: values}
}

func open(state *lua.LState) {
	for name, opener := range map[string]lua.LGFunction{
		lua.LoadLibName: lua.OpenPackage, lua.BaseLibName: lua.OpenBase, lua.TabLibName: lua.OpenTable,
		lua.StringLibName: lua.OpenString, lua.MathLibName: lua.OpenMath,
	} {
		state.Push(state.NewFunction(opener))
		state.Push(lua.LString(name))
		state.Call(1, 0)
	}
	for _, name := range forbidden {
		state.SetGlobal(name, state.NewFunction(func(inner *lua.LState) int {
			inner.RaiseError("%s is not supported", name)
			return 0
		}))
	}
	state.SetGlobal("print", state.NewFunction(func(*lua.LState) int { return 0 }))
	library := state.GetGlobal("string").(*lua.LTable)
	for _, name := range []string{"gsub", "rep", "dump"} {
		library.RawSetString(name, state.NewFunction(func(inner *lua.LState) int {
			inner.RaiseError("string.%s is not supported", name)
			return 0
		}))
	}
}

func toLua(state *lua.LState, value any) lua.LValue {
	switch typed := value.(type) {
	case bool:
		return lua.LBool(typed)
	case json.Number:
		number, err := strconv.ParseFloat(string(typed), 64)
		if err != nil {
			panic(err)
		}
		return lua.LNumber(number)
	case string:
		return lua.LString(typed)
	case []any:
		table := state.NewTable()
		for _, item := range typed {
			table.Append(toLua(state, item))
		}
		return table
	case map[string]any:
		table := state.NewTable()
		keys := make([]string, 0, len(typed))
		for key := range typed {
			keys = append(keys, key)
		}
		sort.Strings(keys)
		for _, key := range keys {
			table.RawSetString(key, toLua(state, typed[key]))
		}
		return table
	}
	return lua.LNil
}

func dump(value lua.LValue, seen map[*lua.LTable]bool) any {
	switch typed := value.(type) {
	case lua.LBool:
		return bool(typed)
	case lua.LNumber:
		number := float64(typed)
		switch {
		case math.IsNaN(number):
			return map[string]any{"type": "nan"}
		case math.IsInf(number, 0):
			return map[string]any{"type": "inf"}
		}
		return number
	case lua.LString:
		return string(typed)
	case *lua.LTable:
		if seen[typed] {
			return map[string]any{"again": true}
		}
		seen[typed] = true
		pairs := []any{}
		for key, item := typed.Next(lua.LNil); key != lua.LNil; key, item = typed.Next(key) {
			pairs = append(pairs, []any{dump(key, seen), dump(item, seen)})
		}
		return pairs
	case *lua.LNilType:
		return nil
	}
	return map[string]any{"type": value.Type().String()}
}
