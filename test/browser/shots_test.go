package browser

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"go.uber.org/zap"

	"github.com/saumer/saumer/api"
	"github.com/saumer/saumer/stats"
)

// screens are what pages are looked at with.
var screens = []struct {
	name   string
	width  int64
	scheme string
}{
	{"desktop-light", 1280, "light"}, {"desktop-dark", 1280, "dark"}, {"phone-light", 390, "light"}, {"phone-dark", 390, "dark"},
}

// Every page fits the screen it is shown on; with -browser.shots a picture of each is kept.
func TestPagesFitTheirScreens(t *testing.T) {
	w := setup(t)
	w.history()
	davos, chur := w.createAt("Newsletter Davos", well), w.createAt("Shop Chur", well)
	w.publish(12)
	w.until(chur, "live", func(found api.Webhook) bool { return found.Status.Lag == 0 })
	down := w.deactivated("Guest cards, railway and a rather long name of an app", 140)
	w.status.Store(http.StatusOK)
	link := w.link(down)
	w.login()
	w.open("/console/demo/GetWebHooks")
	for _, p := range []struct{ name, path string }{
		{"overview", "/console/"}, {"webhooks", "/console/webhooks"}, {"create", "/console/webhooks/new"},
		{"webhook", fmt.Sprintf("/console/webhooks/%d", davos)}, {"inactive", fmt.Sprintf("/console/webhooks/%d?why=1", down.ID)},
		{"notices", "/console/notices"}, {"account", "/console/account"}, {"demo", "/console/demo/CreateWebHook?app=Newsletter+Davos&url=https%3A%2F%2Fexample.org%2Fhook"},
		{"delete", fmt.Sprintf("/console/webhooks/%d/delete", down.ID)}, {"drop", fmt.Sprintf("/console/webhooks/%d/activate", down.ID)},
		{"reactivate", link}, {"reactivate-drop", link + "?drop"}, {"wrong", "/reactivate/wrong"},
	} {
		w.speak("en")
		for _, s := range screens {
			w.look(p.name, s.name, p.path, s.width, s.scheme)
		}
		w.speak("de")
		for _, s := range screens[1:3] {
			w.look(p.name, s.name+"-de", p.path, s.width, s.scheme)
		}
	}
	w.speak("en")
	w.open("/console/")
	w.press("Log out")
	for _, s := range screens {
		w.look("login", s.name, "/console/login", s.width, s.scheme)
	}
}

// history stores what an hour before the test would have counted.
func (w *world) history() {
	w.t.Helper()
	done, cancel := context.WithCancel(w.t.Context())
	cancel()
	for ago := range 55 {
		past := stats.New(earlier{w.app.Broker(), time.Duration(ago+1) * time.Minute}, fmt.Sprintf("past-%d", ago), zap.NewNop())
		for i := range 240 + 150*(ago*ago%7)/7 + 3*ago {
			past.Delivered(account+".1", time.Duration(18+i%17+i*i%23)*time.Millisecond, time.Duration(20+i%19+i*i%29)*time.Millisecond)
		}
		for range max(0, 9-(ago-20)*(ago-20)) {
			past.Rejected(account + ".1")
			past.Unreachable(account + ".1")
		}
		if err := past.Run(done); err != nil {
			w.t.Fatal(err)
		}
	}
}

// earlier is a store of which the clock is late.
type earlier struct {
	stats.Store
	by time.Duration
}

func (e earlier) Now() time.Time { return e.Store.Now().Add(-e.by) }

// look opens a page on a screen.
func (w *world) look(name, screen, path string, width int64, scheme string) {
	w.t.Helper()
	w.do("take the screen "+screen,
		run(emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{Width: width, Height: 800, DeviceScaleFactor: 1, Mobile: width < 600}),
		run(emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}}))
	w.open(path)
	if wide := eval[int64](w, `document.documentElement.scrollWidth`); wide > width {
		w.t.Errorf("%s is %d wide on %s", name, wide, screen)
	}
	if *shots == "" {
		return
	}
	time.Sleep(300 * time.Millisecond) // what the script draws is not waited for otherwise, and only a picture depends on it
	picture := get(w, "take a picture", chromedp.FullScreenshot(100))
	if err := os.WriteFile(filepath.Join(*shots, name+"-"+screen+".png"), picture, 0o644); err != nil {
		w.t.Fatal(err)
	}
}
