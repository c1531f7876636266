package event

// samples are real in form: the bodies that a newsletter platform publishes for its three events.
var samples = map[string]string{
	"optin_finalized": `{"id":48211,"optinsetup_id":12,"subscriber_id":90133,` +
		`"fields":[{"id":1,"value":"anna.caduff@example.org"},{"id":2,"value":"Anna"},{"id":3,"value":"Caduff"}],` +
		`"lists":[{"id":4,"value":1},{"id":9,"value":0}],"activate_at":"2025-11-11 09:27:29"}`,
	"optout_finalized": `{"id":48212,"optoutsetup_id":3,"subscriber_id":90133,` +
		`"fields":[{"id":1,"value":"anna.caduff@example.org"}],` +
		`"lists":[{"id":4,"value":1},{"id":9,"value":0}],"activate_at":"2025-11-12 18:02:05"}`,
	"profilemanager_finalized": `{"subscriber_id":90133,` +
		`"fields":[{"id":1,"value":"anna.caduff@example.org"},{"id":2,"value":"Anna"},{"id":3,"value":"Caduff-Bass"}]}`,
}

// Sample is a body to try an event with: a realistic one for the three default events, a small object for any other.
func Sample(name string) []byte {
	if body, ok := samples[name]; ok {
		return []byte(body)
	}
	return []byte(`{"id":1}`)
}
