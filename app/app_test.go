package app_test

import (
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"

	"github.com/saumer/saumer/app"
)

// A connection to NATS that is closed for good ends the process: it could do nothing any more.
func TestConnectionThatIsClosedForGoodEndsRun(t *testing.T) {
	t.Parallel()
	o := app.Defaults()
	o.Data, o.Account, o.Log, o.Grace = t.TempDir(), "demo", zap.NewNop(), time.Second
	a, err := app.New(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		<-a.Ready()
		a.Broker().JetStream.Conn().Close()
	}()
	if err := a.Run(t.Context()); err == nil || !strings.Contains(err.Error(), "closed for good") {
		t.Errorf("Run returned %v", err)
	}
}
