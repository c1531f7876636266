package main

import (
	"strings"

	"github.com/alecthomas/kong"
)

// examples are lines to try, for each command by its path.
var examples = map[string]string{
	"serve": `saumer serve
saumer serve --data /var/lib/saumer --retention 60d
saumer serve --nats-url nats://nats:4222 --redis-url redis://redis:6379/0 --replicas 3`,
	"publish": `saumer publish optin_finalized
saumer publish optin_finalized order.json --id order-7
saumer publish optin_finalized - < order.json`,
	"listen": `saumer listen
saumer listen --secret whsec_... --status 503
saumer listen --create optin_finalized`,
	"demo":             `saumer demo`,
	"webhook create":   `saumer webhook create https://example.org/hook --event optin_finalized --app shop`,
	"webhook list":     "saumer webhook list\nsaumer webhook list --state inactive --json",
	"webhook get":      `saumer webhook get 7`,
	"webhook update":   "saumer webhook update 7 --to https://example.org/new\nsaumer webhook update 7 --timeout 5s --max-in-flight 2",
	"webhook pause":    `saumer webhook pause 7`,
	"webhook activate": "saumer webhook activate 7 --replay\nsaumer webhook resume 7",
	"webhook delete":   `saumer webhook delete 7`,
	"webhook replay":   "saumer webhook replay 7 --from 2d\nsaumer webhook replay 7 --from 2026-03-01T12:00:00Z --to 2026-03-01T13:00:00Z",
	"webhook redeliver": `saumer webhook redeliver 7 order-7
saumer webhook redeliver 7 1234`,
	"webhook why":    `saumer webhook why 7 order-7`,
	"webhook test":   `saumer webhook test 7`,
	"webhook probe":  `saumer webhook probe 7`,
	"webhook secret": `saumer webhook secret 7`,
	"webhook watch":  "saumer webhook watch 7\nsaumer webhook watch 7 --every 5s --json",
	"attempts":       "saumer attempts 7\nsaumer attempts 7 --outcome failed --limit 0 --json\nsaumer attempts 7 1234",
	"event list":     "saumer event list\nsaumer event list --name optin_finalized --from 2d --json",
	"event get":      "saumer event get order-7",
	"event publish": `saumer event publish optin_finalized order.json --id order-7
saumer event publish optin_finalized orders/
saumer event publish optin_finalized - --ndjson < orders.ndjson`,
	"event types":      "saumer event types",
	"event rejected":   "saumer event rejected",
	"event erase":      "saumer event erase order-7 --yes\nsaumer event erase 1234 --by-sequence --yes",
	"notices":          "saumer notices\nsaumer notices --webhook 7 --json",
	"account add":      `saumer account add shop --email anna@example.org --language de`,
	"account set":      `saumer account set shop --email anna@example.org --language de`,
	"account list":     "saumer account list\nsaumer account list --json",
	"account password": `saumer account password shop --new-password-file secret.txt`,
	"account limits":   "saumer account limits shop\nsaumer account limits shop --publishes 6000",
	"account audit":    `saumer account audit shop --limit 20`,
	"account delete":   `saumer account delete shop --yes`,
	"key add":          "saumer key add 'the shop' --right publish-only --expires 90d",
	"key list":         `saumer key list --of shop`,
	"key revoke":       `saumer key revoke 2f6c`,
	"config init":      "saumer config init\nsaumer config init -",
	"bench":            `saumer bench --quick`,
	"doctor":           "saumer doctor --data /var/lib/saumer\nsaumer doctor --nats-url nats://nats:4222 --redis-url redis://redis:6379/0 --json",
	"health":           `saumer health`,
	"version":          `saumer version`,
	"completion":       `saumer completion >> ~/.bashrc`,
}

// exitCodes is what a help says of them.
const exitCodes = `Exit codes: 0 it is done; 1 it was tried and did not work; 2 a flag, a variable, a file or an argument is wrong; ` +
	`3 what it is about does not exist; 4 the login is refused or may not do this.`

// withExamples adds its examples to the help of each command, and the exit codes to that of all.
func withExamples(k *kong.Kong) error {
	k.Model.Detail = exitCodes
	return kong.Visit(k.Model, func(node kong.Visitable, next kong.Next) error {
		if n, ok := node.(*kong.Node); ok {
			if lines := examples[strings.TrimSpace(commandPath(n))]; lines != "" {
				n.Detail = "Examples:\n\n    " + strings.ReplaceAll(lines, "\n", "\n    ")
			}
		}
		return next(nil)
	})
}

// commandPath is a command's name with those that it is below.
func commandPath(n *kong.Node) string {
	if n == nil || n.Type != kong.CommandNode {
		return ""
	}
	return strings.TrimSpace(commandPath(n.Parent) + " " + n.Name)
}
