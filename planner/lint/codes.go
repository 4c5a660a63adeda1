package lint

// The codes of rules. Each answers to `dekey explain`; more may be added, none is renamed.
const (
	RuleKeyWiring            = "key-wiring"
	RuleKeyFile              = "key-file"
	RuleKeyInManifest        = "key-in-manifest"
	RuleKeyInHistory         = "key-in-history"
	RuleKeyResource          = "key-resource"
	RuleVariableWithoutFile  = "variable-without-file"
	RuleMalformedPrincipal   = "malformed-principal"
	RuleForeignPrincipal     = "foreign-principal"
	RulePoolWildcard         = "pool-wildcard"
	RuleAnnotationKey        = "annotation-key"
	RuleAnnotationValue      = "annotation-value"
	RuleAnnotationMisplaced  = "annotation-misplaced"
	RuleAnnotationNoGrant    = "annotation-without-grant"
	RuleGrantNoAccount       = "grant-without-account"
	RuleDefaultAccount       = "default-account"
	RuleNamespaceWide        = "namespace-wide-grant"
	RuleProjectWide          = "project-wide-grant"
	RulePrefixCondition      = "prefix-condition"
	RuleAuthoritative        = "authoritative-iam"
	RuleServiceAccountNames  = "service-account-names"
	RuleSuppressionMalformed = "suppression-malformed"
	RuleSuppressionExpired   = "suppression-expired"
)

// A Severity says how bad a violation is. Every violation counts for the exit code.
type Severity string

// The severities. An error breaks something or brings a key back; a warning is an access or a loss that waits to happen; a
// note is no violation: what decides it was not read.
const (
	Error   Severity = "error"
	Warning Severity = "warning"
	Note    Severity = "note"
)

var severities = map[string]Severity{
	RuleKeyWiring: Error, RuleKeyFile: Error, RuleKeyInManifest: Error, RuleKeyInHistory: Error, RuleKeyResource: Error, RuleVariableWithoutFile: Error,
	RuleMalformedPrincipal: Error, RuleForeignPrincipal: Error, RulePoolWildcard: Error,
	RuleAnnotationKey: Error, RuleAnnotationValue: Error, RuleAnnotationMisplaced: Error, RuleAnnotationNoGrant: Error, RuleGrantNoAccount: Warning,
	RuleDefaultAccount: Error, RuleNamespaceWide: Warning, RuleProjectWide: Error, RulePrefixCondition: Error, RuleAuthoritative: Warning,
	RuleServiceAccountNames: Error, RuleSuppressionMalformed: Error, RuleSuppressionExpired: Error,
}

// SeverityOf is the severity of a rule.
func SeverityOf(code string) Severity { return severities[code] }
