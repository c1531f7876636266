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

// demo is what the page shows.
type demo struct {
	Functions []*api.Function
	Chosen    *api.Function
	// Parameters are those that the web service takes for it, Values what was given for them.
	Parameters []api.Parameter
	Values     map[string]string
	Events     []string
	Codes      []api.Code
	Samples    []sample
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
	// The page has all functions of the web service.
	functions := slices.DeleteFunc(api.Functions(), func(f *api.Function) bool { return !f.InWebService() })
	i := slices.IndexFunc(functions, func(f *api.Function) bool { return f.Name == r.PathValue("function") })
	if i < 0 {
		return demo{}, errNoPage
	}
	f := functions[i]
	d := demo{
		Functions: functions, Chosen: f, Parameters: f.WebParameters(), Values: map[string]string{}, Events: c.o.Service.Events(),
		Codes: f.Codes(), Seen: -1,
	}
	var arguments []argument
	for i := range d.Parameters {
		p := &d.Parameters[i]
		// Only REST can name the events of a new webhook otherwise.
		p.Required = p.Required || p.Kind == api.KindEvent && f.Effect != ""
		value := strings.ToValidUTF8(values.Get(p.Name), "\uFFFD")
		if value == "" && p.Kind == api.KindEvent && p.Required {
			value = d.Events[0]
		}
		d.Values[p.Name] = value
		if value != "" || p.Required {
			arguments = append(arguments, argument{p.Name, value})
		}
	}
	d.Samples = samples(call{
		URL: c.base(r) + f.WebPath(), Username: v.Name, Arguments: arguments,
	})
	return d, nil
}

func (c *Console) demoPage(w http.ResponseWriter, r *http.Request, v visitor) error {
	query := r.URL.Query()
	d, err := c.demoOf(r, v, query)
	if err != nil {
		return err
	}
	fl := c.flashes.take(w, r, v.Name, c.encrypted(r))
	if query.Has("run") && d.Chosen.Effect == "" {
		if fl, err = c.demoCall(r, v, d); err != nil {
			return err
		}
	}
	if fl.Answer != "" {
		d.Ran, d.Answer, d.Error = true, fl.Answer, fl.Error
		d.Seen = slices.IndexFunc(d.Codes, func(code api.Code) bool { return code.Code == d.Error })
	}
	c.write(w, r, "demo", page{Title: v.Say("Web Service Demo"), Visitor: v, Body: d})
	return nil
}

func (c *Console) demoSamples(w http.ResponseWriter, r *http.Request, v visitor) error {
	d, err := c.demoOf(r, v, r.URL.Query())
	if err != nil {
		return err
	}
	c.writePart(w, r, v, "demo", "samples", d)
	return nil
}

// demoRun runs the function, and leads to the page with the answer. What changes nothing is run by the page itself, so that
// it may be loaded again.
func (c *Console) demoRun(w http.ResponseWriter, r *http.Request, v visitor) error {
	d, err := c.demoOf(r, v, r.PostForm)
	if err != nil {
		return err
	}
	given := url.Values{}
	for name, value := range d.Values {
		if value != "" {
			given.Set(name, value)
		}
	}
	path := demoPath + "/" + d.Chosen.Name
	if d.Chosen.Effect == "" {
		given.Set("run", "1")
		http.Redirect(w, r, path+"?"+given.Encode()+"#answer", http.StatusSeeOther)
		return nil
	}
	fl, err := c.demoCall(r, v, d)
	if err != nil {
		return err
	}
	return c.flash(w, r, v, path, given.Encode()+"#answer", fl)
}

// demoCall calls the function with the values of the page.
func (c *Console) demoCall(r *http.Request, v visitor, d demo) (flash, error) {
	form := url.Values{}
	for name, value := range d.Values {
		form.Set(name, value)
	}
	envelope, err := d.Chosen.Call(r.Context(), c.o.Service, v.Account, form)
	seen := slices.IndexFunc(d.Codes, func(code api.Code) bool { return code.Code == envelope.Error })
	if seen >= 0 && d.Codes[seen].Status == http.StatusInternalServerError {
		c.o.Log.Error("a call of the demo failed", zap.String("function", d.Chosen.Name), zap.String("account", v.Name), zap.Error(err))
	}
	var answer bytes.Buffer
	e := json.NewEncoder(&answer)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(envelope); err != nil {
		return flash{}, fmt.Errorf("write the answer of %s: %w", d.Chosen.Name, err)
	}
	return flash{Answer: answer.String(), Error: envelope.Error}, nil
}
