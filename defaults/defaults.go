// Package defaults has each default of a setting and each limit of a process once: the flags, the benchmark, the demo and
// the tests read them here. A constant that bounds only the work of one package stands in that package.
package defaults

import "time"

// Where a process is, unless a flag says otherwise.
const (
	// HTTP is the address of the API, host and port. Only this machine reaches it.
	HTTP = "127.0.0.1:8080"
	// NATSListen is where the embedded NATS takes publishers, host and port. Only this machine reaches it.
	NATSListen = "127.0.0.1:4222"
	// Data is the directory of the embedded NATS and of the key, in the working directory.
	Data = "saumer-data"
	// Account is the name of the first account.
	Account = "demo"
	// LogLevel is the least level that is logged: a line for what a person should know, none for each event.
	LogLevel = "info"
)

// How events are kept, unless a flag says otherwise.
const (
	// NATSSync is how often the embedded NATS has the disk write what it keeps. A loss of power costs what came since; a
	// write for each event would cost most of the rate.
	NATSSync = 10 * time.Second
	// MaxStore is how many bytes the stored events may take. 0: as many as the disk has.
	MaxStore = 0
	// Replicas of every stream and bucket. One NATS, such as the embedded one, holds no more.
	Replicas = 1
	// Retention is how long events are kept. It is longer than ReplayWindow, so that a webhook can be activated weeks after
	// its deactivation.
	Retention = 30 * 24 * time.Hour
	// ReplayWindow is how much of what comes after a deactivation is sent on a replay: a long weekend and a day.
	ReplayWindow = 5 * 24 * time.Hour
)

// How an attempt is made, unless a flag says otherwise.
const (
	// Timeout bounds one attempt, from dialing to the end of the response: what most senders of webhooks grant.
	Timeout = 15 * time.Second
	// ConnectTimeout bounds dialing, and the TLS handshake. Who does not answer by then is not there.
	ConnectTimeout = 5 * time.Second
	// MaxInFlight bounds the attempts under way at once to one webhook. More gain no rate from an endpoint of a few cores.
	MaxInFlight = 32
	// BackoffInitial is the delay before the second attempt. It doubles from there.
	BackoffInitial = time.Second
	// BackoffMax is the longest delay between two attempts, and so how long an endpoint that is back may wait.
	BackoffMax = 15 * time.Minute
	// Grace is how long a stop waits for attempts under way. It is longer than Timeout, so that each can end by itself.
	Grace = 20 * time.Second
)

// When people are told, and when a webhook is deactivated, unless a flag says otherwise.
const (
	// MailGather is how long a notice waits for others of its cause, so that one mail tells of all: what one failure does to many
	// webhooks comes within a minute.
	MailGather = time.Minute
	// MailPeriod is for how long people are not mailed again about the same kind of notice and the same host.
	MailPeriod = 15 * time.Minute
	// FailingAfter is how long a webhook fails without a break before people are told. A restart of an endpoint is shorter.
	FailingAfter = 15 * time.Minute
	// Deactivate is what happens to a webhook that has failed for long and often enough: it is deactivated.
	Deactivate = "on"
	// DeactivateAfter is how long a webhook fails without a break before it is deactivated, and a rejected event is exhausted.
	DeactivateAfter = 24 * time.Hour
	// DeactivateAttempts is how many attempts fail without a break before that: a few failures in a quiet day prove nothing.
	DeactivateAttempts = 10
	// OutageTimes is how many times DeactivateAfter an outage of our own network, in which nobody is told or deactivated, lasts
	// at most: of two days, one is made good.
	OutageTimes = 2
)

// What an account may do at most, unless a flag or the account's own limits say otherwise: far more than what honest use needs.
const (
	// LimitRequests and LimitPublishes are requests to the API, and events that are published over it, a minute.
	LimitRequests, LimitPublishes = 60_000, 60_000
	// LimitTests are test events and tests of connections a minute, LimitReplays replays and redeliveries.
	LimitTests, LimitReplays = 120, 600
	// LimitWebhooks are webhooks that there are, LimitLiveViews live views of the console that are open.
	LimitWebhooks, LimitLiveViews = 2000, 50
)

// What a setting may be.
const (
	// ShortestTime bounds a timeout and the first backoff from below.
	ShortestTime = time.Millisecond
	// LongestTimeout bounds an attempt. An event whose process has died is handed out again only after such a time.
	LongestTimeout = 10 * time.Minute
	// MostInFlight bounds the attempts under way at once to one webhook.
	MostInFlight = 10_000
	// Dedupe is how long a Nats-Msg-Id is remembered, and so the shortest time for which events can be kept.
	Dedupe = 10 * time.Minute
	// SmallestStore is the least that the stored events can be bound to, in bytes: the largest event is as large.
	SmallestStore = 1 << 20
	// ShortestSync and LongestSync bound how often the embedded NATS has the disk write.
	ShortestSync, LongestSync = 10 * time.Millisecond, time.Hour
)

// What bounds a process.
const (
	// InFlight bounds the attempts of one process, to all webhooks together, and the idle connections that it keeps: each
	// attempt has a socket, and the files that a process may open are bounded.
	InFlight = 8192
	// Publishers bounds the connections of publishers to the embedded NATS, and PublishersEach those of one account, so that
	// no account takes the place of all others.
	Publishers, PublishersEach = 1000, 200
	// CachedPairs bounds the pairs of account and event whose webhooks a process keeps in memory.
	CachedPairs = 10_000
	// AckGrace is what the ack wait has beyond an attempt: time to hand the event over when the attempt has failed.
	AckGrace = 15 * time.Second
	// Pull is how long a fetch waits, and so how soon it is known that NATS has forgotten it.
	Pull = time.Second
	// Sweep is how often backlogs are looked for whose wake was lost.
	Sweep = time.Minute
	// Tell is how often it is looked for what the operator is to be told.
	Tell = 10 * time.Second
	// HeapGrowth is by how many percent the heap may grow before it is collected, unless GOGC says otherwise: with a hundred
	// thousand webhooks in it and Go's 100, collections took a tenth of the CPU of a busy process.
	HeapGrowth = 200
)
