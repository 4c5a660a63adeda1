package planfile

// WholePolicy is a policy with every setting.
const WholePolicy = wholePolicy
