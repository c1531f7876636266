// Command saumer delivers events to webhooks: see `saumer --help`.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"
	"github.com/willabides/kongplete"

	"github.com/saumer/saumer/config"
)

// Exit codes.
const (
	exitOK     = 0
	exitFailed = 1 // it was tried, and did not work
	exitUsage  = 2 // a flag, a variable, the file or an argument is wrong

	exitMissing = 3 // what it is about does not exist
	exitDenied  = 4 // the login is refused, or may not do this
)

// commands is what kong reads the arguments into, a field a command.
type commands struct {
	Serve    serveCommand    `cmd:"" help:"Run Saumer: the API, the delivery and, unless told otherwise, an embedded NATS."`
	Publish  publishCommand  `cmd:"" help:"Publish an event."`
	Listen   listenCommand   `cmd:"" help:"Receive deliveries and print them, for trying things out."`
	Demo     demoCommand     `cmd:"" help:"Show all of it in a minute: deliver, back off, deactivate, reactivate, replay."`
	Webhook  webhookCommands `cmd:"" help:"Webhooks."`
	Event    eventCommands   `cmd:"" help:"Events."`
	Attempts attemptsCommand `cmd:"" help:"List the attempts of a webhook, newest first, or show one."`
	Notices  noticesCommand  `cmd:"" help:"List what people were told, newest first."`
	Account  struct {
		Add      accountAddCommand      `cmd:"" help:"Make an account."`
		Set      accountSetCommand      `cmd:"" help:"Set who is told of its webhooks, and in which language."`
		List     accountListCommand     `cmd:"" help:"List the accounts."`
		Password accountPasswordCommand `cmd:"" help:"Give an account another password. Its sessions end; its API keys stay."`
		Limits   accountLimitsCommand   `cmd:"" help:"Set and show what an account may do at most."`
		Audit    accountAuditCommand    `cmd:"" help:"List who changed what of an account, and when."`
		Delete   accountDeleteCommand   `cmd:"" help:"Delete an account with all that it has."`
	} `cmd:"" help:"Accounts."`
	Key struct {
		Add    keyAddCommand    `cmd:"" help:"Make an API key for a machine. It is shown once."`
		List   keyListCommand   `cmd:"" help:"List the API keys of an account, with their last use."`
		Revoke keyRevokeCommand `cmd:"" help:"Revoke an API key."`
	} `cmd:"" help:"API keys."`
	Config struct {
		Init configInitCommand `cmd:"" help:"Write a file for serve --config: every setting with what it does and its default."`
	} `cmd:"" help:"The file with settings."`
	Bench      benchCommand                 `cmd:"" help:"Measure Saumer beside a bare loop of POSTs, on this machine."`
	BenchPart  benchPartCommand             `cmd:"" hidden:""`
	Doctor     doctorCommand                `cmd:"" help:"Look at what serve runs on with the same flags, change nothing, and say what to change."`
	Health     healthCommand                `cmd:"" help:"Ask a running Saumer whether it is ready; exit code 0 if so."`
	Version    versionCommand               `cmd:"" help:"Print the version."`
	Completion kongplete.InstallCompletions `cmd:"" help:"Print what has your shell complete commands and flags."`

	VersionFlag kong.VersionFlag `name:"version" help:"Print the version."`
}

// streams are what a command reads and writes, so that tests run it as a function.
type streams struct {
	in       io.Reader
	out, err io.Writer
}

// usageError is an error of what the user wrote, not of what was tried.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	// The first signal stops gracefully. From then on a signal does what it does by default: it ends the process.
	context.AfterFunc(ctx, stop)
	os.Exit(run(ctx, os.Args[1:], streams{os.Stdin, os.Stdout, os.Stderr}))
}

// leave is what kong panics with after it has printed a help text: the exit code.
type leave int

// run parses the arguments, runs the command until it is done or ctx ends, and returns the exit code.
func run(ctx context.Context, args []string, std streams) (code int) {
	defer func() {
		switch r := recover().(type) {
		case nil:
		case leave:
			code = int(r)
		default:
			panic(r)
		}
	}()
	parser, err := newParser(std, new(commands), kong.Exit(func(code int) { panic(leave(code)) }), kong.BindTo(ctx, (*context.Context)(nil)))
	if err != nil {
		return fail(std, err)
	}
	kongplete.Complete(parser, kongplete.WithExitFunc(parser.Exit))
	parsed, err := parser.Parse(args)
	if err != nil {
		return fail(std, usageError{err})
	}
	return fail(std, parsed.Run(arguments(args)))
}

// arguments are those of the command line.
type arguments []string

// newParser makes what parses the arguments of all commands into c.
func newParser(std streams, c *commands, more ...kong.Option) (*kong.Kong, error) {
	return kong.New(c, append([]kong.Option{
		kong.Name("saumer"),
		kong.Description("Delivers events to webhooks. Publish an event once: Saumer retries it, waits while an endpoint is down, and replays."),
		kong.Writers(std.out, std.err),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, WrapUpperBound: 120}),
		config.Vars(),
		kong.Vars{"version": "saumer " + version()},
		config.Durations(),
		kong.PostBuild(withExamples),
		kong.Resolvers(config.Files{}),
		kong.Bind(std),
	}, more...)...)
}

// fail prints an error, if there is one, and returns its exit code.
func fail(std streams, err error) int {
	if err == nil {
		return exitOK
	}
	fmt.Fprintf(std.err, "saumer: %v\n", err)
	if _, ok := errors.AsType[usageError](err); ok {
		return exitUsage
	}
	if refused, ok := errors.AsType[*refusedError](err); ok {
		return refused.exit()
	}
	return exitFailed
}
