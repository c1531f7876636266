package registry

import (
	"context"
	"net/mail"
	"slices"
	"strings"
	"time"
	_ "time/tzdata" // where the system has no zones
)

// Languages are those that people can be told in; the first is the default.
var Languages = []string{"en", "de"}

// maxEmail is the longest e-mail address, in bytes (RFC 5321, section 4.5.3.1.3, without the brackets).
const maxEmail = 254

// Contact says how an account's people are told. Empty fields stand for the installation's.
type Contact struct {
	// Email is one address, Language one of Languages.
	Email    string `json:"email,omitempty"`
	Language string `json:"language,omitempty"`
	// Zone is the zone of the times that people are told, by its name in the IANA database, such as Europe/Zurich; empty is UTC.
	Zone string `json:"zone,omitempty"`
}

// Location is the zone of the times that people are told.
func (c Contact) Location() *time.Location {
	zone, err := time.LoadLocation(c.Zone)
	if err != nil {
		return time.UTC // of a zone that this system does not know
	}
	return zone
}

// Check says why an account cannot have the contact, or nil: ErrEmail, ErrLanguage or ErrZone.
func (c Contact) Check() error {
	if c.Email != "" && !ValidEmail(c.Email) {
		return ErrEmail
	}
	if c.Language != "" && !slices.Contains(Languages, c.Language) {
		return ErrLanguage
	}
	if _, err := time.LoadLocation(c.Zone); err != nil || c.Zone == "Local" {
		return ErrZone
	}
	return nil
}

// ValidEmail says whether a text is one e-mail address, and nothing besides.
func ValidEmail(text string) bool {
	a, err := mail.ParseAddress(text)
	return err == nil && a.Address == text && len(text) <= maxEmail && !strings.ContainsAny(text, "\r\n")
}

// Get returns an account by its name: record.ErrNotFound.
func (s *Accounts) Get(ctx context.Context, name string) (Account, error) {
	a, err := s.get(ctx, name)
	return a.public(), err
}

// SetContact changes how an account's people are told, and returns the account: record.ErrNotFound, ErrEmail, ErrLanguage or
// ErrZone.
func (s *Accounts) SetContact(ctx context.Context, name string, change func(*Contact)) (Account, error) {
	return s.change(ctx, name, func(a *account) error {
		change(&a.Contact)
		return a.Contact.Check()
	})
}
