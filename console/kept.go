package console

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/saumer/saumer/registry"
)

// kept is a form that came after its session had ended. The login takes it along, and then it is shown, to be sent after all.
type kept struct {
	// Path is where it goes to; empty if there is no form.
	Path   string
	Fields url.Values
}

const (
	againPath = root + "again"
	// keptPrefix is put before the names of a kept form's fields in the form of the login.
	keptPrefix = "kept."
)

// keptOf reads a form whose fields have a prefix. A password and the token of the session that ended are left out.
func keptOf(path, prefix string, form url.Values) kept {
	if path == "" {
		return kept{}
	}
	k := kept{Path: local(path), Fields: url.Values{}}
	for name, values := range form {
		name, ok := strings.CutPrefix(name, prefix)
		if ok && name != "form" && !strings.Contains(name, "password") {
			k.Fields[name] = values
		}
	}
	return k
}

// keep asks for a login, and keeps the form that came.
func (c *Console) keep(w http.ResponseWriter, r *http.Request) {
	if err := r.ParseForm(); err != nil {
		c.fail(w, r, visitor{}, errForm)
		return
	}
	v := visitor{Speaker: speaker(r, registry.Account{})}
	c.write(w, r, "login", page{Title: v.Say("Log in"), Status: http.StatusUnauthorized, Visitor: v, Body: loginForm{
		Next: root, Kept: keptOf(r.URL.Path, "", r.PostForm),
		Wrong: v.Say("Your session has ended. Nothing was changed. Log in, and you can send your form after all."),
	}})
}

// again shows a form that came after its session had ended, for its visitor to send.
func (c *Console) again(w http.ResponseWriter, r *http.Request, v visitor) error {
	fl := c.flashes.take(w, r, v.Name, c.encrypted(r))
	if fl.Next == "" {
		http.Redirect(w, r, root, http.StatusSeeOther)
		return nil
	}
	c.write(w, r, "again", page{Title: v.Say("Send the form"), Visitor: v, Body: kept{fl.Next, fl.Values}})
	return nil
}
