package planner

import (
	"strconv"
	"strings"
	"time"
)

// period is the longest time between two runs of a cron schedule, in seconds; 0 where there is no schedule or it is none
// that Kubernetes would accept.
// https://kubernetes.io/docs/concepts/workloads/controllers/cron-jobs/#schedule-syntax
func period(schedule string) int64 {
	fields := strings.Fields(schedule)
	if len(fields) > 0 && (strings.HasPrefix(fields[0], "TZ=") || strings.HasPrefix(fields[0], "CRON_TZ=")) {
		fields = fields[1:]
	}
	if len(fields) == 2 && fields[0] == "@every" {
		if d, err := time.ParseDuration(fields[1]); err == nil && d > 0 {
			return int64(d.Seconds())
		}
		return 0
	}
	if len(fields) == 1 {
		fields = strings.Fields(map[string]string{
			"@hourly": "0 * * * *", "@daily": "0 0 * * *", "@midnight": "0 0 * * *", "@weekly": "0 0 * * 0",
			"@monthly": "0 0 1 * *", "@yearly": "0 0 1 1 *", "@annually": "0 0 1 1 *",
		}[fields[0]])
	}
	if len(fields) != 5 {
		return 0
	}
	minutes, ok1 := cronField(fields[0], 0, 59, nil)
	hours, ok2 := cronField(fields[1], 0, 23, nil)
	days, ok3 := cronField(fields[2], 1, 31, nil)
	months, ok4 := cronField(fields[3], 1, 12, monthNames)
	weekdays, ok5 := cronField(fields[4], 0, 7, dayNames)
	if !ok1 || !ok2 || !ok3 || !ok4 || !ok5 {
		return 0
	}
	weekdays[0] = weekdays[0] || weekdays[7]
	// Cron runs on a day that either field names, where both are restricted.
	either := !strings.HasPrefix(fields[2], "*") && !strings.HasPrefix(fields[4], "*")
	runs := func(day time.Time) bool {
		onDay, onWeekday := days[day.Day()], weekdays[int(day.Weekday())]
		if either {
			return months[int(day.Month())] && (onDay || onWeekday)
		}
		return months[int(day.Month())] && onDay && onWeekday
	}
	return longest(runs, minutes, hours)
}

var (
	monthNames = []string{"", "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"}
	dayNames   = []string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"}
)

// longest finds the longest gap over eight years, which hold every weekday on every date, February 29 included.
func longest(runs func(time.Time) bool, minutes, hours []bool) int64 {
	const dayMinutes = 24 * 60
	first, last, within := -1, -1, 0
	for m := range dayMinutes {
		if !hours[m/60] || !minutes[m%60] {
			continue
		}
		if last >= 0 {
			within = max(within, m-last)
		} else {
			first = m
		}
		last = m
	}
	if first < 0 {
		return 0
	}
	gap, previous := 0, -1
	day := time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)
	for i := range 8*365 + 2 + 366 {
		if runs(day) {
			gap = max(gap, within)
			if previous >= 0 {
				gap = max(gap, (i-previous)*dayMinutes-last+first)
			}
			previous = i
		}
		day = day.AddDate(0, 0, 1)
	}
	return int64(gap) * 60
}

// cronField reads one field: a list of values, ranges and steps.
func cronField(field string, least, most int, names []string) ([]bool, bool) {
	set := make([]bool, most+1)
	for _, part := range strings.Split(field, ",") {
		spec, stepText, stepped := strings.Cut(part, "/")
		step := 1
		if stepped {
			n, err := strconv.Atoi(stepText)
			if err != nil || n < 1 {
				return nil, false
			}
			step = n
		}
		from, to := least, most
		if spec != "*" && spec != "?" {
			low, high, ranged := strings.Cut(spec, "-")
			n, ok := cronValue(low, names)
			if !ok {
				return nil, false
			}
			from, to = n, n
			switch {
			case ranged:
				if to, ok = cronValue(high, names); !ok {
					return nil, false
				}
			case stepped:
				to = most
			}
		}
		if from < least || to > most || from > to {
			return nil, false
		}
		for v := from; v <= to; v += step {
			set[v] = true
		}
	}
	return set, true
}

func cronValue(s string, names []string) (int, bool) {
	for i, n := range names {
		if n != "" && strings.EqualFold(s, n) {
			return i, true
		}
	}
	n, err := strconv.Atoi(s)
	return n, err == nil
}
