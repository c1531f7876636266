package architecture

import (
	"go/ast"
	"go/token"
	"strconv"
	"testing"
)

// logFields is the vocabulary of the log: each field has one name and one type, the name of zap's constructor, in the whole
// program.
var logFields = map[string]string{
	"account":       "String",     // an account's name
	"address":       "String",     // a client's network address
	"attempts":      "Int",        // how many attempts were made
	"cursor":        "Uint64",     // the sequence in EVENTS from which a span was to go on
	"entry":         "Uint64",     // the place of an attempt in the attempt log
	"event":         "String",     // an event's name
	"events":        "Uint64",     // how many events
	"failing_since": "Time",       // when the first of the failures without a break was
	"floor":         "Uint64",     // the sequence in EVENTS up to which all is acknowledged
	"form":          "Int",        // the form of a record
	"from":          "Uint64",     // the sequence in EVENTS that a consumer goes on with
	"function":      "String",     // a function of the API
	"generation":    "String",     // a generation of the index
	"here":          "String",     // what this process would have a setting be
	"kept":          "String",     // what it was kept at
	"kind":          "String",     // a notice's kind
	"last":          "Uint64",     // the last sequence in EVENTS
	"notice":        "Uint64",     // a notice's sequence in NOTICES
	"page":          "String",     // a template of the console
	"panic":         "Any",        // what a handler panicked with
	"path":          "String",     // the path of a request, without what is secret in it
	"policy":        "String",     // what a Redis does where memory is short
	"published":     "Time",       // when the stream stored an event
	"reason":        "String",     // why, in a sentence
	"record":        "Object",     // a webhook's record, without its URL and its secrets
	"records":       "Int",        // how many records of the statistics
	"seq":           "Uint64",     // an event's sequence in EVENTS
	"server":        "String",     // the URL of a NATS server, without credentials
	"since":         "Time",       // after when the first of some events was published
	"setting":       "String",     // a setting of a stream
	"settings":      "Strings",    // the names of settings
	"stack":         "ByteString", // the stack of a panic
	"stream":        "String",     // the name of a stream
	"subject":       "String",     // a message's subject
	"to":            "Uint64",     // the sequence in EVENTS from which a span goes on
	"until":         "Time",       // when the last of some events was published
	"version":       "String",     // the version of a NATS server
	"wait":          "Duration",   // how long until the next attempt
	"webhook":       "String",     // a webhook's key, <account>.<id>
}

func TestLogFieldsAreInTheVocabulary(t *testing.T) {
	t.Parallel()
	const zap = "go.uber.org/zap"
	used := map[string]bool{}
	for _, p := range load(t) {
		for _, f := range p.files {
			local := f.called(zap)
			if f.test || local == "" {
				continue
			}
			ast.Inspect(f.ast, func(n ast.Node) bool {
				name, constructor, ok := logField(n, local)
				if !ok {
					return true
				}
				used[name] = true
				if want := logFields[name]; want == "" {
					t.Errorf("%s:%d: the log field %q is not in the vocabulary", f.name, f.line(n.Pos()), name)
				} else if constructor != want {
					t.Errorf("%s:%d: the log field %q is made by zap.%s, want zap.%s", f.name, f.line(n.Pos()), name, constructor, want)
				}
				return true
			})
		}
	}
	for name := range logFields {
		if !used[name] {
			t.Errorf("nothing logs the field %q", name)
		}
	}
}

// logField is the name and the constructor of a field, if the node makes one that has a name; zap goes by a local name.
func logField(n ast.Node, local string) (name, constructor string, ok bool) {
	call, isCall := n.(*ast.CallExpr)
	if !isCall || len(call.Args) < 2 {
		return "", "", false
	}
	made, isSelector := call.Fun.(*ast.SelectorExpr)
	if !isSelector {
		return "", "", false
	}
	of, isName := made.X.(*ast.Ident)
	literal, isLiteral := call.Args[0].(*ast.BasicLit)
	if !isName || of.Name != local || !isLiteral || literal.Kind != token.STRING {
		return "", "", false
	}
	name, err := strconv.Unquote(literal.Value)
	return name, made.Sel.Name, err == nil
}
