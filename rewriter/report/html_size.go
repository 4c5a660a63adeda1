package report

import "io"

// pageSize is how long the parts of a page together may be that grow with the number of workloads. A page of tens of
// thousands of workloads would not open otherwise.
const pageSize = 17_500_000

// A section is rows of the page that are written one by one, each by the template of that name.
type section struct {
	row, table string
	weight     int64 // of its claim to the page
	n          int
	at         func(int) any
}

func sectionOf[T any](row, table string, weight int64, rows []T) section {
	return section{row: row, table: table, weight: weight, n: len(rows), at: func(i int) any { return rows[i] }}
}

// shares says how many bytes each section gets: all that it wants where everything fits.
func (s *pageSet) shares(sections []section) map[string]int64 {
	wishes := make([]int64, len(sections))
	weights := make([]int64, len(sections))
	for i, section := range sections {
		wishes[i], weights[i] = s.wish(section), section.weight
	}
	shares := make(map[string]int64, len(sections))
	for i, bytes := range allot(pageSize, wishes, weights) {
		shares[sections[i].row] = bytes
	}
	return shares
}

// wish guesses a section's size from some of its rows.
func (s *pageSet) wish(section section) int64 {
	const samples = 25
	if section.n == 0 {
		return 0
	}
	step := max(1, section.n/samples)
	size, count := int64(0), int64(0)
	for i := 0; i < section.n; i += step {
		size += s.size(section.row, section.at(i))
		count++
	}
	// A quarter more, for samples that were shorter than the rest.
	return size * int64(section.n) / count * 5 / 4
}

func (s *pageSet) size(row string, data any) int64 {
	if script, ok := data.(Script); ok {
		return int64(len(script.Text))
	}
	var size sizeWriter
	if s.templates.ExecuteTemplate(&size, row, data) != nil {
		return 0 // the same error comes up when the row is written
	}
	return int64(size)
}

type sizeWriter int64

var _ io.Writer = (*sizeWriter)(nil)

func (w *sizeWriter) Write(p []byte) (int, error) {
	*w += sizeWriter(len(p))
	return len(p), nil
}

// allot divides a total among wishes by their weights: nobody gets more than the wish, and what one leaves the others
// get.
func allot(total int64, wishes, weights []int64) []int64 {
	got := make([]int64, len(wishes))
	open := make([]bool, len(wishes))
	for i := range open {
		open[i] = wishes[i] > 0
	}
	for {
		sum := int64(0)
		for i, o := range open {
			if o {
				sum += weights[i]
			}
		}
		if sum == 0 {
			return got
		}
		settled := false
		left := total
		for i, o := range open {
			if o && wishes[i] <= total*weights[i]/sum {
				got[i], open[i], settled = wishes[i], false, true
				left -= wishes[i]
			}
		}
		if !settled {
			for i, o := range open {
				if o {
					got[i] = total * weights[i] / sum
				}
			}
			return got
		}
		total = left
	}
}
