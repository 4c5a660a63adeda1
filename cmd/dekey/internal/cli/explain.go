package cli

import (
	"fmt"
	"strings"

	"github.com/jedib0t/go-pretty/v6/text"
	"github.com/spf13/cobra"

	"dekey/planner/explain"
)

func newExplain(sys System) *cobra.Command {
	return &cobra.Command{
		Use:   "explain [CODE]",
		Short: "Say what a code means, why it matters, what to do",
		Long:  "Says what a code of a report means, why it matters and what to do. Without a CODE it lists them all.",
		Args:  cobra.MaximumNArgs(1),
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			var codes []string
			for _, entry := range explain.All() {
				codes = append(codes, entry.Code)
			}
			return codes, cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				for _, entry := range explain.All() {
					fmt.Fprintf(sys.Stdout, "%-30s %-12s %s\n", entry.Code, entry.Kind, firstSentence(entry.What))
				}
				return nil
			}
			entry, found := explain.Lookup(args[0])
			if !found {
				return hintf(usagef("%q is no code of dekey", args[0]), "`dekey explain` lists the codes")
			}
			_, err := fmt.Fprint(sys.Stdout, explainPage(entry))
			return err
		},
	}
}

// explainPage is one code's text as the terminal shows it, 80 columns wide.
func explainPage(entry explain.Text) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s (%s)\n", entry.Code, entry.Kind)
	section := func(title, body string) {
		if body != "" {
			fmt.Fprintf(&b, "\n%s\n%s\n", title, indent(text.WrapSoft(body, 76)))
		}
	}
	section("What it means", entry.What)
	section("Why it matters", entry.Why)
	section("What to do", entry.Do)
	if len(entry.Try) > 0 {
		fmt.Fprintf(&b, "\nCommands\n%s\n", indent(strings.Join(entry.Try, "\n")))
	}
	if len(entry.Answers) > 0 {
		b.WriteString("\nAnswers that the policy file can give\n")
		for _, answer := range entry.Answers {
			fmt.Fprintf(&b, "%s\n", indent(text.WrapSoft(answer.Value+": "+answer.Means, 76)))
		}
	}
	section("Source", entry.Source)
	return b.String()
}

func indent(body string) string {
	lines := strings.Split(body, "\n")
	for i, line := range lines {
		lines[i] = "  " + strings.TrimRight(line, " ")
	}
	return strings.Join(lines, "\n")
}

func firstSentence(text string) string {
	if end := strings.Index(text, ". "); end >= 0 {
		return text[:end+1]
	}
	return text
}
