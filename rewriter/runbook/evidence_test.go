package runbook_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"dekey/rewriter/runbook"
)

func (p *place) read(plan string) runbook.Evidence {
	return runbook.ReadEvidence(os.DirFS(filepath.Join(p.dir, "runbook", "evidence")), plan)
}

// What the scripts write, Evidence reads back, turn by turn.
func TestEvidence(t *testing.T) {
	plan := shopPlan(t)
	p := newPlace(t, plan, shopCloud())
	e := p.read(plan.ID)
	if _, err := e.Granted(plan.Moves[0].Grants[0]); !errors.Is(err, runbook.ErrNoRecord) {
		t.Errorf("before anything: %v", err)
	}
	p.must(0, "Everything is granted", "1-grant.sh")
	granted, err := e.Granted(plan.Moves[0].Grants[0])
	if err != nil || granted.Field("member") != member || granted.Field("made") != "yes" || time.Since(granted.Time).Abs() > time.Minute {
		t.Errorf("granted %+v, error %v", granted, err)
	}
	if _, err := p.read("another").Granted(plan.Moves[0].Grants[0]); !errors.Is(err, runbook.ErrEditedRecord) {
		t.Errorf("evidence of another plan: %v", err)
	}
	p.must(0, "taken back", "rollback.sh", "grant")
	if _, err := e.Granted(plan.Moves[0].Grants[0]); !errors.Is(err, runbook.ErrNoRecord) || e.Turn(runbook.StepGrant) != "grant-2" {
		t.Errorf("after the rollback: %v, turn %s", err, e.Turn(runbook.StepGrant))
	}
	p.must(0, "Everything is granted", "1-grant.sh")
	p.change(merge)
	p.must(0, "keyless", "2-verify.sh")
	if _, err := e.CutOver(plan.Moves[0]); err != nil {
		t.Error(err)
	}
	p.offset = 15 * 24 * time.Hour
	p.seen(time.Now())
	p.must(0, "disabled: the key", "3-disable.sh")
	key := plan.Retirements[0].Key
	exported, err := e.Exported(key)
	if err != nil || exported.Field("key") != keyID || len(exported.Fields["consumer"]) != 1 {
		t.Errorf("exported %+v, error %v", exported, err)
	}
	if _, err := e.Disabled(key); err != nil {
		t.Error(err)
	}
	if got := e.Edited(); len(got) != 0 {
		t.Errorf("edited %q", got)
	}
	var done []string
	for _, d := range runbook.Progress(plan, e) {
		done = append(done, d.Step+" "+d.What)
	}
	if want := []string{"grant granted", "verify cut over", "disable disabled"}; !slices.Equal(done, want) {
		t.Errorf("done %q, want %q", done, want)
	}
	p.write("runbook/evidence/"+exported.Name, "plan: "+plan.ID+"\n", 0o644)
	if got := e.Edited(); !slices.Equal(got, []string{exported.Name}) {
		t.Errorf("edited %q", got)
	}
	if _, err := e.Exported(key); !errors.Is(err, runbook.ErrEditedRecord) {
		t.Errorf("an edited record: %v", err)
	}
}

// Clean and the scripts' own clean come to the same verdict.
func TestCleanIsTheScripts(t *testing.T) {
	cutOver := time.Date(2026, 3, 1, 22, 30, 0, 0, time.UTC)
	soak := 14 * 24 * time.Hour
	format := func(at time.Time) string {
		if at.IsZero() {
			return ""
		}
		return at.Format("2006-01-02T15:04:05Z")
	}
	day := func(n int) time.Time { return time.Date(2026, 3, n, 8, 0, 0, 0, time.UTC) }
	for _, test := range []struct {
		name     string
		last, to time.Time
		clean    bool
	}{
		{"never used", time.Time{}, day(20), true},
		{"no answer", time.Time{}, time.Time{}, false},
		{"used long before", day(1).AddDate(-1, 0, 0), day(20), true},
		{"used on the day of the cut-over", day(1), day(20), true},
		{"used on the day after", day(2), day(20), true},
		{"used two days after", day(3), day(20), false},
		{"evidence ends before the soak", day(1), day(15), false},
		{"evidence ends with the soak", day(1), cutOver.Add(soak), false},
		{"evidence ends a second after the soak", day(1), cutOver.Add(soak + time.Second), true},
	} {
		why := runbook.Clean(test.last, test.to, cutOver, soak)
		if (why == "") != test.clean {
			t.Errorf("%s: %q", test.name, why)
		}
		script := `eval "$(sed -n '/^day()/p; /^moment()/p' lib/common.sh)"; eval "$(sed -n '/^is_time()/p; /^clean()/,/^}/p' lib/disable.sh)"; clean "$@"`
		cmd := exec.Command("bash", "-c", script, "clean", format(test.last), format(test.to), fmt.Sprint(cutOver.Unix()), fmt.Sprint(int64(soak/time.Second)))
		out, err := cmd.Output()
		if (err == nil) != test.clean || strings.TrimSpace(string(out)) != why {
			t.Errorf("%s: the script says %q (%v), Clean says %q", test.name, out, err, why)
		}
	}
}
