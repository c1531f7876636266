package chaos

// loginTroubles are those of who may log in to NATS.
func loginTroubles() []trouble {
	return []trouble{
		watched(unready, trouble{"nats: refuses the workers' login for a while", lostAcks, func(w *world) {
			w.password("rotated")
			w.pass(hold)
			w.password(w.users[working])
		}}),
	}
}

// password is what workers log in to every NATS with from now on; who has logged in with another one is thrown out.
func (w *world) password(is string) {
	w.t.Helper()
	for _, n := range w.nats {
		n.Users[working] = is
		w.must(n.Reload())
	}
}
