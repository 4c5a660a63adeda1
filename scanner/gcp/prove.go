package gcp

import (
	"context"
	"errors"
	"fmt"
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

func (c *Client) fact(ctx context.Context, key scanner.Key) (fact scanner.KeyFact, refused []error) {
	defer func() {
		// Where nothing was read there is no evidence, and no time of it: the same input gives the same bytes.
		if fact.Verdict == scanner.VerdictOffline || fact.Verdict == scanner.VerdictMalformed {
			fact.ReadAt = time.Time{}
		}
	}()
	fact = scanner.KeyFact{Key: key.ID, Verdict: scanner.VerdictOffline, Use: scanner.UseUnknown, ReadAt: c.now().UTC()}
	email, err := normal(key.Email)
	switch {
	case key.ID == "" || len(key.ID) != 64:
		fact.Verdict, fact.Why = scanner.VerdictMalformed, "the key can not be read"
		return fact, nil
	case err != nil:
		fact.Verdict, fact.Why = scanner.VerdictMalformed, "the file names no Google service account"
		return fact, nil
	}
	found, err := c.prove(ctx, email, key, &fact)
	if err != nil {
		refused = append(refused, err)
		fact.Verdict = scanner.VerdictOffline
		if denied(err) {
			fact.Verdict = scanner.VerdictNoPermission
		}
		fact.Why = reason(err)
		c.provePublicly(ctx, email, key, &fact)
	}
	if found != nil {
		refused = append(refused, c.use(ctx, email, *found, &fact)...)
	}
	return fact, refused
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

// use reads whether a key is used. Used: it authenticated in the observation period. Not used: it did not, the period ends
// lately, and Monitoring, where it was read, counts nothing. Everything else is unknown, with the reason.
func (c *Client) use(ctx context.Context, email string, key Key, fact *scanner.KeyFact) []error {
	var refused []error
	account, err := c.Account(ctx, email)
	if err != nil {
		return nil // prove has said so
	}
	if key.Disabled {
		fact.Why = join(fact.Why, "a disabled key is missing from Google's evidence")
		return nil
	}
	activities, err := c.Activities(ctx, email, account.Project, key.ID)
	if err != nil {
		refused = append(refused, err)
		fact.Why = join(fact.Why, reason(err))
	}
	counted, err := c.Authentications(ctx, account.Project, key.ID, fact.ReadAt.Add(-monitored))
	if err != nil {
		refused = append(refused, err)
	} else {
		fact.Authentications = &counted
	}
	activity, known := activities[key.ID]
	if !known {
		if activities != nil {
			fact.Why = join(fact.Why, "Policy Analyzer says nothing of the key")
		}
		return refused
	}
	fact.From, fact.To, fact.LastAuthenticated = activity.From, activity.To, activity.Last
	switch {
	case !activity.Last.IsZero():
		fact.Use = scanner.Used
	case fact.ReadAt.Sub(activity.To) > stale:
		fact.Why = join(fact.Why, fmt.Sprintf("the observation period ends on %s already", activity.To.Format(time.DateOnly)))
	case fact.Authentications != nil && *fact.Authentications > 0:
		fact.Why = join(fact.Why, fmt.Sprintf("Policy Analyzer has seen no use, and Monitoring counts %d authentications", counted))
	default:
		fact.Use = scanner.NotUsed
	}
	return refused
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
