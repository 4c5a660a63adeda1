package report_test

import (
	"fmt"
	"io"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"dekey/rewriter/report"
	"dekey/rewriter/report/reporttest"
)

// writers are all formats by name.
var writers = map[string]func(io.Writer, *report.Report) error{
	"html":     report.HTML,
	"markdown": report.Markdown,
	"json":     report.JSON,
	"sarif":    report.SARIF,
	"text":     func(w io.Writer, r *report.Report) error { return report.Text(w, r, report.TextOptions{}) },
	"wide":     func(w io.Writer, r *report.Report) error { return report.Text(w, r, report.TextOptions{Wide: true}) },
	"bare": func(w io.Writer, r *report.Report) error {
		return report.Text(w, r, report.TextOptions{NoHeaders: true})
	},
	"summary":      func(w io.Writer, r *report.Report) error { return report.Summary(w, r, report.TextOptions{}) },
	"csv findings": func(w io.Writer, r *report.Report) error { return report.CSV(w, r, report.TableFindings) },
	"csv moves":    func(w io.Writer, r *report.Report) error { return report.CSV(w, r, report.TableMoves) },
	"csv keys":     func(w io.Writer, r *report.Report) error { return report.CSV(w, r, report.TableKeys) },
}

// A counter counts bytes.
type counter int64

func (c *counter) Write(p []byte) (int, error) {
	*c += counter(len(p))
	return len(p), nil
}

// mostPage is how long an HTML page may be.
const mostPage = 20_000_000

// BenchmarkReport renders two sizes, so that the time can be seen to be linear: twice the workloads take at most 2.3
// times as long. It reports the size of the output and the peak of the heap above the documents.
func BenchmarkReport(b *testing.B) {
	for _, format := range []string{"html", "markdown", "text", "sarif"} {
		for _, n := range []int{10_000, 20_000} {
			b.Run(fmt.Sprintf("%s/%d", format, n), func(b *testing.B) {
				in := reporttest.World{Moves: n * 9 / 10, Holds: n / 10, Namespaces: n / 40, Changeset: true}.Input()
				runtime.GC()
				var before runtime.MemStats
				runtime.ReadMemStats(&before)
				var peak atomic.Uint64
				done := make(chan struct{})
				go func() {
					for {
						select {
						case <-done:
							return
						case <-time.After(20 * time.Millisecond):
							var now runtime.MemStats
							runtime.ReadMemStats(&now)
							peak.Store(max(peak.Load(), now.HeapInuse))
						}
					}
				}()
				var size counter
				for b.Loop() {
					size = 0
					if err := writers[format](&size, report.New(in)); err != nil {
						b.Fatal(err)
					}
				}
				close(done)
				if format == "html" && size > mostPage {
					b.Fatalf("the page has %d bytes", size)
				}
				b.ReportMetric(float64(size)/1e6, "MB")
				b.ReportMetric(float64(peak.Load())/(1<<20), "MiB-heap")
				b.ReportMetric(float64(before.HeapInuse)/(1<<20), "MiB-documents")
			})
		}
	}
}

// The number of allocations is linear in the workloads: unlike time, it is the same in every run.
func TestRenderingIsLinear(t *testing.T) {
	for format, write := range writers {
		allocations := func(n int) float64 {
			in := reporttest.World{Moves: n * 9 / 10, Holds: n / 10, Namespaces: n / 40, Changeset: true}.Input()
			return testing.AllocsPerRun(1, func() {
				if err := write(io.Discard, report.New(in)); err != nil {
					t.Fatal(err)
				}
			})
		}
		small, large := allocations(200), allocations(400)
		if large > 2.3*small {
			t.Errorf("%s: %.0f allocations for 200 workloads, %.0f for 400", format, small, large)
		}
	}
}
