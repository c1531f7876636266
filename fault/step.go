// Package fault names the steps between which a process may die, and in a binary built for that with the tag chaos it
// makes it die there. In every other binary [At] does nothing.
package fault

// Step is a moment at which what was done before is durable, and what comes after is not done.
type Step string

// The steps of the live path.
const (
	Fetched   Step = "fetched"    // events are here, and not looked up
	LookedUp  Step = "looked-up"  // the webhooks of a batch are known, nothing is attempted
	Attempted Step = "attempted"  // an attempt of the live path is over, nothing is written of it
	Covered   Step = "covered"    // the backlog's record holds the event, nobody is woken
	HandedOff Step = "handed-off" // the live path knows that the backlog has the event, and has not acknowledged
	Rejected  Step = "rejected"   // REJECTED holds what cannot be delivered, and EVENTS still does
)

// The steps of the backlog's runner.
const (
	LeaseTaken   Step = "lease-taken"  // the record names the runner, the webhook is not read
	SpanWritten  Step = "span-written" // the record has the span, the webhook not its range
	RangeOpened  Step = "range-opened" // the webhook has the range
	Retried      Step = "retried"      // an attempt of the backlog is over, no checkpoint is written
	Checkpointed Step = "checkpointed" // a checkpoint is written
	RangeEnded   Step = "range-ended"  // the webhook's range has its end, which is not verified
	SpanSettled  Step = "span-settled" // the record's span has the verified end
	Worked       Step = "worked"       // all is done, and the lease not given back
)

// The steps of deactivation, activation and what else changes a webhook.
const (
	Deactivated Step = "deactivated" // the webhook's record says so, nobody is told
	Announced   Step = "announced"   // the record has news for people, no notice is stored
	Told        Step = "told"        // a notice is stored, the record does not say so
	Activated   Step = "activated"   // the webhook's record says so, its backlog does not follow
	Followed    Step = "followed"    // the backlog follows the activation, nobody is woken
	Journaled   Step = "journaled"   // the journal has a change, the index may not
)

// Steps are all steps.
var Steps = []Step{
	Fetched, LookedUp, Attempted, Covered, HandedOff, Rejected,
	LeaseTaken, SpanWritten, RangeOpened, Retried, Checkpointed, RangeEnded, SpanSettled, Worked,
	Deactivated, Announced, Told, Activated, Followed, Journaled,
}

// The environment says a binary that is built for it how to fail.
const (
	// EnvStep is <step>:<n>:<signal>: the process sends itself the signal when it comes to the step for the n-th time.
	EnvStep = "SAUMER_FAULT_STEP"
	// EnvJump is by how much the clock jumps at each SIGUSR1.
	EnvJump = "SAUMER_FAULT_JUMP"
	// EnvDNS is the address of the name server.
	EnvDNS = "SAUMER_FAULT_DNS"
	// EnvBoot names the start of the machine: another name is another start.
	EnvBoot = "SAUMER_FAULT_BOOT"
)
