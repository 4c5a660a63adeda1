package explain_test

import (
	"testing"

	"dekey/planner"
	"dekey/planner/explain"
)

// The texts offer exactly the answers that the planner takes, in the same words.
func TestAnswersAreThePlanners(t *testing.T) {
	for code, values := range planner.Answers {
		text, _ := explain.Lookup(code)
		if len(text.Answers) != len(values) {
			t.Errorf("%s: %d answers are explained, the planner takes %d", code, len(text.Answers), len(values))
		}
		for _, answer := range text.Answers {
			if means := values[answer.Value]; means != answer.Means {
				t.Errorf("%s: %s\n got %q\nwant %q", code, answer.Value, answer.Means, means)
			}
		}
	}
	for _, text := range explain.All() {
		if len(text.Answers) > 0 && planner.Answers[text.Code] == nil {
			t.Errorf("%s: answers are explained that the planner does not take", text.Code)
		}
	}
}
