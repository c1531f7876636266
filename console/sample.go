package console

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
)

// argument is a value for a parameter.
type argument struct{ Name, Value string }

// call is a call of the web service that a sample makes. The texts are valid UTF-8.
type call struct {
	URL, Username string
	Arguments     []argument
}

// sample is code that makes a call and prints the answer. It takes the password from the environment variable
// SAUMER_PASSWORD, so that it is in no file.
type sample struct {
	// ID is the language as a word of a URL, Language as a person says it.
	ID, Language string
	// Run says how to run it.
	Run  string
	Code string
}

// samples makes the call in each language.
func samples(c call) []sample {
	return []sample{
		{"curl", "curl", "SAUMER_PASSWORD='…' sh call.sh", c.curl()},
		{"php", "PHP", "SAUMER_PASSWORD='…' php call.php", c.php()},
		{"python", "Python", "SAUMER_PASSWORD='…' python3 call.py", c.python()},
		{"go", "Go", "SAUMER_PASSWORD='…' go run call.go", c.golang()},
		{"javascript", "JavaScript", "SAUMER_PASSWORD='…' node call.mjs", c.javaScript()},
	}
}

func (c call) curl() string {
	var b strings.Builder
	fmt.Fprintf(&b, "curl --silent --show-error \\\n")
	fmt.Fprintf(&b, "  --data-urlencode %s \\\n", shellQuote("username="+c.Username))
	fmt.Fprintf(&b, "  --data-urlencode \"password=$SAUMER_PASSWORD\" \\\n")
	for _, a := range c.Arguments {
		fmt.Fprintf(&b, "  --data-urlencode %s \\\n", shellQuote(a.Name+"="+a.Value))
	}
	fmt.Fprintf(&b, "  %s\n", shellQuote(c.URL))
	return b.String()
}

func (c call) php() string {
	return fmt.Sprintf(`<?php
$answer = file_get_contents(%s, false, stream_context_create(['http' => [
    'method' => 'POST',
    'header' => 'Content-Type: application/x-www-form-urlencoded',
    'content' => http_build_query([
%s    ]),
]]));
if ($answer === false) {
    exit(1);
}
echo $answer;
`, phpQuote(c.URL), c.list("        %s => %s,\n", phpQuote, "getenv('SAUMER_PASSWORD')"))
}

func (c call) python() string {
	return fmt.Sprintf(`import os
from urllib.parse import urlencode
from urllib.request import urlopen

form = {
%s}
with urlopen(%s, urlencode(form).encode()) as answer:
    print(answer.read().decode())
`, c.list("    %s: %s,\n", strconv.Quote, `os.environ["SAUMER_PASSWORD"]`), strconv.Quote(c.URL))
}

func (c call) golang() string {
	// As gofmt lays it out: values begin in one column.
	width := len(`"username":`)
	for _, a := range c.Arguments {
		width = max(width, len(strconv.Quote(a.Name))+1)
	}
	var fields strings.Builder
	field := func(name, value string) {
		fmt.Fprintf(&fields, "\t\t%-*s {%s},\n", width, strconv.Quote(name)+":", value)
	}
	field("username", strconv.Quote(c.Username))
	field("password", `os.Getenv("SAUMER_PASSWORD")`)
	for _, a := range c.Arguments {
		field(a.Name, strconv.Quote(a.Value))
	}
	return fmt.Sprintf(`package main

import (
	"io"
	"log"
	"net/http"
	"net/url"
	"os"
)

func main() {
	answer, err := http.PostForm(%s, url.Values{
%s	})
	if err != nil {
		log.Fatal(err)
	}
	defer answer.Body.Close()
	if _, err := io.Copy(os.Stdout, answer.Body); err != nil {
		log.Fatal(err)
	}
}
`, strconv.Quote(c.URL), fields.String())
}

func (c call) javaScript() string {
	return fmt.Sprintf(`const answer = await fetch(%s, {
  method: "POST",
  body: new URLSearchParams({
%s  }),
});
console.log(await answer.text());
`, jsonQuote(c.URL), c.list("    %s: %s,\n", jsonQuote, "process.env.SAUMER_PASSWORD"))
}

// list writes all parameters in a language's form of a pair.
func (c call) list(pair string, quote func(string) string, password string) string {
	var b strings.Builder
	fmt.Fprintf(&b, pair, quote("username"), quote(c.Username))
	fmt.Fprintf(&b, pair, quote("password"), password)
	for _, a := range c.Arguments {
		fmt.Fprintf(&b, pair, quote(a.Name), quote(a.Value))
	}
	return b.String()
}

// shellQuote makes a word of a POSIX shell. No argument of a program can hold a NUL.
func shellQuote(s string) string {
	return "'" + strings.ReplaceAll(strings.ReplaceAll(s, "\x00", ""), "'", `'\''`) + "'"
}

// phpQuote makes a string in single quotes, in which PHP replaces nothing.
func phpQuote(s string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(s) + "'"
}

// jsonQuote makes a string of JSON, which is one of JavaScript too.
func jsonQuote(s string) string {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	_ = e.Encode(s) // a string can always be written
	return strings.TrimSuffix(b.String(), "\n")
}
