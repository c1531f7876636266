package delivery

import "testing"

// What is no attempt says nothing of the endpoint, and is not one that it did not take.
func TestClasses(t *testing.T) {
	t.Parallel()
	for outcome, want := range map[Outcome]Class{
		Delivered: Success, Status: Rejected, Redirect: Rejected, Gone: Ended, Aborted: Cut, Slow: Untried, Busy: Untried,
		Refused: Unreachable, Timeout: Unreachable, Unavailable: Unreachable, Forbidden: Unreachable,
	} {
		if got := outcome.Class(); got != want {
			t.Errorf("%s is of class %d, want %d", outcome, got, want)
		}
	}
}
