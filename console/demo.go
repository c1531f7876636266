package console

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"go.uber.org/zap"

	"github.com/saumer/saumer/api"
)

// parameter is one that a function of the web service takes.
type parameter struct {
	Name, Label, Hint string
	// Kind is text, url, number, event or flag.
	Kind     string
	Required bool
}

// demoFunction is a function of the web service that can be tried.
type demoFunction struct {
	Name, Summary string
	Parameters    []parameter
	// Warning is said before it is run; empty for what changes nothing.
	Warning string
}

var demoFunctions = []demoFunction{
	{
		"CreateWebHook", "Makes a webhook. Its secret is in the answer, this once.",
		[]parameter{
			{"app", "App", "Your own name for what the webhook belongs to, up to 200 bytes.", "text", true},
			{"event", "Event", "What the webhook is told of.", "event", true},
			{"url", "URL", "Where events are sent, http or https.", "url", true},
		}, "This makes a real webhook, which gets events from now on.",
	},
	{
		"GetWebHooks", "Lists the webhooks of the account, and how each does.",
		[]parameter{
			{"app", "App", "Only those of this app; empty for all.", "text", false},
			{"event", "Event", "Only those for this event.", "event", false},
		}, "",
	},
	{
		"ActivateWebHook", "Activates a webhook that was deactivated.",
		[]parameter{
			{"id", "Id", "The number that CreateWebHook answered.", "number", true},
			{"replayEvents", "Replay the events that were kept", "Without, they are dropped.", "flag", false},
		}, "This activates the webhook; without a replay, the events that were kept are dropped.",
	},
	{
		"DeleteWebHookById", "Deletes a webhook with its backlog and its log.",
		[]parameter{
			{"id", "Id", "The number that CreateWebHook answered.", "number", true},
		}, "This deletes the webhook for good.",
	},
}

// demo is what the page shows.
type demo struct {
	Functions []demoFunction
	Chosen    demoFunction
	Values    map[string]string
	Events    []string
	Codes     []api.Code
	Samples   []sample
	// Ran is true if there is an answer: its text, its number and whether it is 0.
	Ran    bool
	Answer string
	Error  int
	// Seen is the code's row in the table, -1 if nothing ran.
	Seen int
}

const demoPath = root + "demo"

func (c *Console) demoRoutes(mux *http.ServeMux) {
	mux.HandleFunc("GET "+demoPath, c.private(func(w http.ResponseWriter, r *http.Request, _ visitor) error {
		http.Redirect(w, r, demoPath+"/GetWebHooks", http.StatusSeeOther)
		return nil
	}))
	mux.HandleFunc("GET "+demoPath+"/{function}", c.private(c.demoPage))
	mux.HandleFunc("POST "+demoPath+"/{function}", c.private(c.demoRun))
	mux.HandleFunc("GET "+demoPath+"/{function}/samples", c.private(c.demoSamples))
}

// demoOf makes the page of the function in the path, with values for its parameters.
func (c *Console) demoOf(r *http.Request, v visitor, values url.Values) (demo, error) {
	i := slices.IndexFunc(demoFunctions, func(f demoFunction) bool { return f.Name == r.PathValue("function") })
	if i < 0 {
		return demo{}, errNoPage
	}
	d := demo{
		Functions: demoFunctions, Chosen: demoFunctions[i], Values: map[string]string{}, Events: c.o.Service.Events(),
		Codes: api.Codes(demoFunctions[i].Name), Seen: -1,
	}
	var arguments []argument
	for _, p := range d.Chosen.Parameters {
		value := strings.ToValidUTF8(values.Get(p.Name), "\uFFFD")
		if value == "" && p.Kind == "event" && p.Required {
			value = d.Events[0]
		}
		d.Values[p.Name] = value
		if value != "" || p.Required {
			arguments = append(arguments, argument{p.Name, value})
		}
	}
	d.Samples = samples(call{
		URL: c.base(r) + "/webservice/webservice/json/" + d.Chosen.Name, Username: v.Name, Arguments: arguments,
	})
	return d, nil
}

func (c *Console) demoPage(w http.ResponseWriter, r *http.Request, v visitor) error {
	d, err := c.demoOf(r, v, r.URL.Query())
	if err != nil {
		return err
	}
	c.write(w, r, "demo", page{Title: "Web Service Demo", Visitor: v, Body: d})
	return nil
}

func (c *Console) demoSamples(w http.ResponseWriter, r *http.Request, v visitor) error {
	d, err := c.demoOf(r, v, r.URL.Query())
	if err != nil {
		return err
	}
	c.writePart(w, r, "demo", "samples", d)
	return nil
}

// demoRun runs the function, and shows what the web service answers.
func (c *Console) demoRun(w http.ResponseWriter, r *http.Request, v visitor) error {
	d, err := c.demoOf(r, v, r.PostForm)
	if err != nil {
		return err
	}
	form := url.Values{}
	for name, value := range d.Values {
		form.Set(name, value)
	}
	envelope, err := api.Call(r.Context(), c.o.Service, v.Account, d.Chosen.Name, form)
	d.Seen = slices.IndexFunc(d.Codes, func(code api.Code) bool { return code.Code == envelope.Error })
	if d.Seen >= 0 && d.Codes[d.Seen].Status == http.StatusInternalServerError {
		c.o.Log.Error("a call of the demo failed", zap.String("function", d.Chosen.Name), zap.String("account", v.Name), zap.Error(err))
	}
	var answer bytes.Buffer
	e := json.NewEncoder(&answer)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(envelope); err != nil {
		return fmt.Errorf("write the answer of %s: %w", d.Chosen.Name, err)
	}
	d.Ran, d.Answer, d.Error = true, answer.String(), envelope.Error
	c.write(w, r, "demo", page{Title: "Web Service Demo", Visitor: v, Body: d})
	return nil
}
