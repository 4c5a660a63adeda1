package gcp

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"dekey/scanner"
)

// Fact compares a key that was found with those of the account that it names, and reads whether it is used. The gaps are
// what could not be read; what depends on that is unknown.
//
// Possession is shown when the digest of one of the account's public keys is the key's id. The verdict then is live,
// live-disabled or expired. Where none is, it is deleted-account (there is none of this e-mail), foreign-account (the file
// names another unique id, or a key of the account by its id that is another one, or is of a kind that Google does not
// have) or deleted-key. Without access to IAM the public certificates still show possession, and nothing else.
func (c *Client) Fact(ctx context.Context, key scanner.Key) (scanner.KeyFact, []scanner.Gap) {
	fact, refused := c.fact(ctx, key)
	return fact, grouped(refused)
}

func (c *Client) fact(ctx context.Context, key scanner.Key) (scanner.KeyFact, []error) {
	p := c.proof(ctx, key)
	p.refused = append(p.refused, c.use(ctx, []*proof{p})...)
	return p.fact, p.refused
}

// A proof is what is known of a key before its use is asked for.
type proof struct {
	fact    scanner.KeyFact
	email   string
	found   *Key // nil: it is none of the account's, or was not read
	refused []error
}

// proof compares a key with those of its account.
func (c *Client) proof(ctx context.Context, key scanner.Key) *proof {
	p := &proof{fact: scanner.KeyFact{Key: key.ID, Verdict: scanner.VerdictOffline, Use: scanner.UseUnknown, ReadAt: c.now().UTC()}}
	fact := &p.fact
	defer func() {
		// Where nothing was read there is no evidence, and no time of it: the same input gives the same bytes.
		if fact.Verdict == scanner.VerdictOffline || fact.Verdict == scanner.VerdictMalformed {
			fact.ReadAt = time.Time{}
		}
	}()
	email, err := normal(key.Email)
	switch {
	case key.ID == "" || len(key.ID) != 64:
		fact.Verdict, fact.Why = scanner.VerdictMalformed, "the key can not be read"
		return p
	case err != nil:
		fact.Verdict, fact.Why = scanner.VerdictMalformed, "the file names no Google service account"
		return p
	}
	p.email = email
	if p.found, err = c.prove(ctx, email, key, fact); err != nil {
		p.refused = append(p.refused, err)
		fact.Verdict = scanner.VerdictOffline
		if denied(err) {
			fact.Verdict = scanner.VerdictNoPermission
		}
		fact.Why = reason(err)
		c.provePublicly(ctx, email, key, fact)
	}
	return p
}

// reason is why an error of this package came.
func reason(err error) string {
	var e *Error
	if errors.As(err, &e) {
		return e.why()
	}
	return cause(err)
}

func denied(err error) bool {
	var e *Error
	return errors.As(err, &e) && e.Code == 403 && e.Service == ""
}

// prove finds the key among those of the account, nil where it is none of them.
func (c *Client) prove(ctx context.Context, email string, key scanner.Key, fact *scanner.KeyFact) (*Key, error) {
	account, err := c.Account(ctx, email)
	if errors.Is(err, ErrNotFound) {
		fact.Verdict, fact.Why = scanner.VerdictDeletedAccount, "there is no service account of this e-mail"
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	found, taken, err := c.search(ctx, email, key)
	if err != nil {
		return nil, err
	}
	now := c.now()
	switch {
	case found != nil && found.Disabled:
		fact.Verdict = scanner.VerdictDisabled
	case found != nil && found.Expired(now):
		fact.Verdict = scanner.VerdictExpired
	case found != nil && account.Disabled != nil && *account.Disabled:
		fact.Verdict, fact.Why = scanner.VerdictDisabled, "the whole account is disabled"
	case found != nil:
		fact.Verdict = scanner.VerdictLive
	case taken:
		fact.Verdict, fact.Why = scanner.VerdictForeign, "the account's key of this id is another one"
	case key.ClientID != "" && key.ClientID != account.UniqueID:
		fact.Verdict, fact.Why = scanner.VerdictForeign, "the file is of another account, or of one of this name that was deleted: its unique id differs"
	case !strings.HasPrefix(key.Algorithm, "RSA"):
		fact.Verdict, fact.Why = scanner.VerdictForeign, "it is no RSA key, and Google's accounts have no others"
	default:
		fact.Verdict, fact.Why = scanner.VerdictDeletedKey, "the account has no such key: it was deleted, or never was the account's"
	}
	if found != nil {
		fact.KeyID, fact.Created, fact.Expires, fact.DisabledReason = found.ID, found.Created, found.Expires, found.Reason
		fact.LogFilter = LogFilter(account.Project, email, found.ID)
	}
	return found, nil
}

// search looks first at the key of the id that the file gives, then at all. taken says that the account has a key of that
// id, and it is another one.
func (c *Client) search(ctx context.Context, email string, key scanner.Key) (found *Key, taken bool, err error) {
	if keyID.MatchString(key.KeyID) {
		one, err := c.Key(ctx, email, key.KeyID)
		switch {
		case err == nil && one.Digest == key.ID:
			return &one, false, nil
		case err == nil:
			taken = true
		case !errors.Is(err, ErrNotFound):
			return nil, false, err
		}
	}
	all, err := c.Keys(ctx, email)
	if err != nil {
		return nil, false, err
	}
	for _, k := range all {
		one, err := c.Key(ctx, email, k.ID)
		if errors.Is(err, ErrNotFound) {
			continue // it was deleted meanwhile
		}
		if err != nil {
			return nil, false, err
		}
		if one.Digest == key.ID {
			return &one, false, nil
		}
	}
	return nil, taken, nil
}

// provePublicly compares the key with the account's public certificates, where IAM did not answer.
func (c *Client) provePublicly(ctx context.Context, email string, key scanner.Key, fact *scanner.KeyFact) {
	public, err := c.PublicKeys(ctx, email)
	switch {
	case errors.Is(err, ErrNotFound):
		fact.Why = join(fact.Why, "Google publishes no certificates of this e-mail: the account is gone, or disabled")
		return
	case err != nil:
		return
	}
	if other, taken := public[key.KeyID]; taken && other != key.ID {
		fact.Verdict, fact.Why = scanner.VerdictForeign, "the account's published key of this id is another one"
	}
	for id, published := range public {
		if published == key.ID {
			fact.Verdict, fact.KeyID = scanner.VerdictLive, id
			fact.Why = "from the public certificates alone: whether the key is disabled was not read; " + fact.Why
		}
	}
}

// stale is how long ago an observation period may have ended and still say something: Policy Analyzer lags by days.
const stale = 7 * 24 * time.Hour

// use reads whether keys of one account are used, in as few requests as the filter allows. Used: it authenticated in the
// observation period. Not used: it did not, the period ends lately, and Monitoring, where it was read, counts nothing.
// Everything else is unknown, with the reason.
func (c *Client) use(ctx context.Context, keys []*proof) (refused []error) {
	var asked []*proof
	var ids []string
	for _, p := range keys {
		switch {
		case p.found == nil:
		case p.found.Disabled:
			p.fact.Why = join(p.fact.Why, "a disabled key is missing from Google's evidence")
		default:
			asked, ids = append(asked, p), append(ids, p.found.ID)
		}
	}
	if len(asked) == 0 {
		return nil
	}
	account, err := c.Account(ctx, asked[0].email)
	if err != nil {
		return nil // prove has said so
	}
	slices.Sort(ids)
	activities, err := c.Activities(ctx, account.Email, account.Project, slices.Compact(ids)...)
	if err != nil {
		refused = append(refused, err)
	}
	for _, p := range asked {
		if err != nil {
			p.fact.Why = join(p.fact.Why, reason(err))
		}
		counted, uncounted := c.Authentications(ctx, account.Project, p.found.ID, p.fact.ReadAt.Add(-monitored))
		if uncounted != nil {
			refused = append(refused, uncounted)
		} else {
			p.fact.Authentications = &counted
		}
		activity, known := activities[p.found.ID]
		if !known {
			if activities != nil {
				p.fact.Why = join(p.fact.Why, "Policy Analyzer says nothing of the key")
			}
			continue
		}
		decide(&p.fact, activity)
	}
	return refused
}

// decide says whether a key is used, by what Policy Analyzer and Monitoring say.
func decide(fact *scanner.KeyFact, activity Activity) {
	fact.From, fact.To, fact.LastAuthenticated = activity.From, activity.To, activity.Last
	switch {
	case !activity.Last.IsZero():
		fact.Use = scanner.Used
	case fact.ReadAt.Sub(activity.To) > stale:
		fact.Why = join(fact.Why, fmt.Sprintf("the observation period ends on %s already", activity.To.Format(time.DateOnly)))
	case fact.Authentications != nil && *fact.Authentications > 0:
		fact.Why = join(fact.Why, fmt.Sprintf("Policy Analyzer has seen no use, and Monitoring counts %d authentications", *fact.Authentications))
	default:
		fact.Use = scanner.NotUsed
	}
}

func join(texts ...string) string {
	var some []string
	for _, text := range texts {
		if text != "" {
			some = append(some, text)
		}
	}
	return strings.Join(some, "; ")
}
