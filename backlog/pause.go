package backlog

// PausedReason is the reason of a deactivation that a person wanted.
const PausedReason = "somebody paused it"

// Pause has the webhook deactivated because a person wants that: its events are kept from then on, as those of any inactive
// webhook, and nobody is told. A webhook that is inactive stays as it is.
func (r *Record) Pause() {
	if r.State != Parked {
		r.leave()
		r.Judge = Paused
	}
}
