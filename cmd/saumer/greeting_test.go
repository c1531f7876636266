package main

import (
	"net/netip"
	"os"
	"strings"
	"testing"
)

func Example_greeting() {
	g := greeting{
		Program: "go run ./cmd/saumer", Version: "1.0.0", HTTP: "127.0.0.1:8080", NATS: defaultNATS, Data: "saumer-data",
		Account: "demo", Password: "PW", Assumed: true, SharedKey: true,
		Allowed: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")},
	}
	_ = g.print(os.Stdout)
	// Output:
	// Saumer 1.0.0
	//
	//   API             http://127.0.0.1:8080
	//   Publishers      nats://demo:PW@127.0.0.1:4222   events.demo.<event>
	//   Data            saumer-data
	//   Account         demo
	//   Password        PW   (made just now; it is not shown again)
	//   May be dialed   public addresses, and 127.0.0.0/8, ::1/128 (loopback, as only this machine reaches Saumer; set --allow-cidrs to choose)
	//
	// To try it, copy these lines into other terminals. Create a webhook, start a receiver, publish an event:
	//
	//   curl --data-urlencode username=demo --data-urlencode password=PW -d app=try -d event=optin_finalized -d url=http://127.0.0.1:9000/ http://127.0.0.1:8080/webservice/webservice/json/CreateWebHook
	//   go run ./cmd/saumer listen
	//   go run ./cmd/saumer publish optin_finalized --nats-url nats://demo:PW@127.0.0.1:4222
}

func TestGreeting(t *testing.T) {
	t.Parallel()
	given := greeting{Program: "saumer", HTTP: "[::]:81", Account: "alp", Given: true}
	later := greeting{Program: "saumer", HTTP: "10.0.0.1:80", NATS: "nats://127.0.0.1:4333", Data: "d", Account: "demo"}
	open := greeting{HTTP: "127.0.0.1:80", NATS: "nats://0.0.0.0:4222", Account: "demo", Password: "PW"}
	sealed := greeting{HTTP: "127.0.0.1:80", NATS: "tls://0.0.0.0:4222", Account: "demo", Password: "PW", TLS: true}
	cases := map[string]struct {
		greeting greeting
		want     []string
	}{
		"given and external": {given, []string{
			"http://127.0.0.1:81\n", "your own NATS", "the one you gave with --password", "only public addresses",
			"password='<the password>'", "publish optin_finalized --nats-url 'nats://<your NATS>' --account alp",
		}},
		"NATS for others": {open, []string{"  Open            publishers' passwords", "nats://demo:PW@127.0.0.1:4222"}},
		"with TLS":        {sealed, []string{"https://127.0.0.1:80\n", "tls://demo:PW@127.0.0.1:4222"}},
		"second start": {later, []string{
			"http://10.0.0.1:80\n", "the one that was set last", "--secret-key",
			"nats://127.0.0.1:4333   as demo with its password: events.demo.<event>\n", "--nats-url 'nats://demo:<the password>@127.0.0.1:4333'\n",
		}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var b strings.Builder
			if err := c.greeting.print(&b); err != nil {
				t.Fatal(err)
			}
			if strings.Contains(b.String(), "  Open") != (name == "NATS for others") {
				t.Errorf("what is open is said, or not:\n%s", b.String())
			}
			for _, want := range c.want {
				if !strings.Contains(b.String(), want) {
					t.Errorf("the greeting lacks %q:\n%s", want, b.String())
				}
			}
		})
	}
}
