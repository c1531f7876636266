package app

import (
	"cmp"
	"context"
	"fmt"
	"net/netip"
	"time"

	"github.com/saumer/saumer/defaults"
	"github.com/saumer/saumer/delivery"
	"github.com/saumer/saumer/notify"
	"github.com/saumer/saumer/registry"
)

var _ notify.Contacts = (*registry.Accounts)(nil)

// everywhere are all networks: who sets --notice-url may lead into the own one.
var everywhere = []netip.Prefix{netip.MustParsePrefix("0.0.0.0/0"), netip.MustParsePrefix("::/0")}

// openOutlets opens the ways to people that are configured.
func (a *App) openOutlets(ctx context.Context) error {
	o := a.options
	if o.SMTP != nil {
		channel := notify.NewMail(notify.MailOptions{Server: *o.SMTP, From: o.MailFrom, To: o.NoticeTo, First: o.Account, Contacts: a.accounts, Dial: o.Dial})
		if err := a.openOutlet(ctx, "mail", channel); err != nil {
			return err
		}
	}
	if o.NoticeURL == "" {
		return nil
	}
	secret, err := delivery.DecodeSecret(o.NoticeSecret)
	if err != nil {
		return fmt.Errorf("read the secret of notices: %w", err)
	}
	client := delivery.NewClient(delivery.Options{
		Timeout: o.Timeout, ConnectTimeout: o.ConnectTimeout, AllowCIDRs: everywhere, Version: o.Version, Now: a.broker.Now, Dial: o.Dial,
		IdleConns: defaults.InFlight,
	})
	a.closing(func() error { client.Close(); return nil })
	return a.openOutlet(ctx, "post", notify.NewPost(client, o.NoticeURL, secret))
}

func (a *App) openOutlet(ctx context.Context, name string, channel notify.Channel) error {
	consumer, err := a.broker.NoticeConsumer(ctx, name)
	if err != nil {
		return err
	}
	var gather, period time.Duration
	if _, ok := channel.(notify.Gathering); ok {
		gather, period = defaults.MailGather, defaults.MailPeriod
	}
	a.outlets = append(a.outlets, &notify.Outlet{
		Name: name, Channel: channel, Receipts: a.broker, Links: a.links, Consumer: consumer, Grace: a.options.Grace, Pull: cmp.Or(a.options.Pull, defaults.Pull),
		Gather: gather, Period: period, Now: a.broker.Now, Log: a.options.Log.Named("notify").Named(name),
	})
	return nil
}
