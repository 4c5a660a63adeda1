package cli

import (
	"time"

	"github.com/schollz/progressbar/v3"
)

// patience is how long a scan may take before it is shown to be at work.
const patience = 2 * time.Second

// progress shows on a terminal that something long is going on, and for how long. The function that it gives ends
// it, and returns when nothing more is drawn.
func progress(sys System, what string) (done func()) {
	if !sys.Terminal {
		return func() {}
	}
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		select {
		case <-stop:
			return
		case <-time.After(patience):
		}
		bar := progressbar.NewOptions(-1,
			progressbar.OptionSetWriter(sys.Stderr),
			progressbar.OptionSetDescription(what),
			progressbar.OptionSpinnerType(9),
			progressbar.OptionSetElapsedTime(true),
			progressbar.OptionClearOnFinish())
		ticker := time.NewTicker(100 * time.Millisecond)
		defer ticker.Stop()
		for {
			select {
			case <-stop:
				_ = bar.Finish() // a terminal that went away has nothing to clear
				return
			case <-ticker.C:
				_ = bar.Add(1)
			}
		}
	}()
	return func() {
		close(stop)
		<-stopped
	}
}
