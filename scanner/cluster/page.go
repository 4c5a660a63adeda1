package cluster

import (
	"context"
	"crypto/sha256"
	"errors"
	"strconv"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
)

const (
	// pageLimit is how many objects are asked for at once: with 500 a page of Secrets costs as little as with more,
	// and takes little memory.
	pageLimit = 500
	// pageBytes is what a page should not be much larger than: after a larger one fewer objects are asked for.
	pageBytes = 8 << 20
	// restarts is how often a list begins again because its continue token expired under it.
	restarts = 3
)

// errExpired is given when a list kept expiring.
var errExpired = errors.New("the list expired before it was read whole, also when read again")

// A page is a part of a list.
type page struct {
	raw    [][]byte // objects in protobuf, inside the answer
	items  []item   // or decoded ones
	next   string   // the continue token
	answer []byte
}

func (p page) len() int { return len(p.raw) + len(p.items) }

// each decodes and yields the page's objects one by one. What is yielded may be a part of the answer.
func (p page) each(d *decoder, yield func(item) error) error {
	for _, data := range p.raw {
		it, err := d.decode(data)
		if err != nil {
			return err
		}
		if err := yield(it); err != nil {
			return err
		}
	}
	for _, it := range p.items {
		if err := yield(it); err != nil {
			return err
		}
	}
	return nil
}

// A query narrows a list.
type query struct {
	namespace string // "" is all
	name      string // "" is any
}

// list reads a list page by page and yields each object once. Never is the list asked for as a whole: when the continue
// token expires (410, after about five minutes), the list begins again, and what was yielded already is passed over.
func (c *client) list(ctx context.Context, r resource, q query, yield func(item) error) error {
	var seen map[[16]byte]struct{} // of what was yielded, once there is a second page
	decoder, err := c.shapes.decoder(r)
	if err != nil {
		return err
	}
	limit, expired := pageLimit, 0
	for next := ""; ; {
		p, err := c.page(ctx, r, q, next, &limit)
		if gone(err) && next != "" {
			if expired++; expired > restarts {
				return errExpired
			}
			next = ""
			continue
		}
		if err != nil {
			return err
		}
		if seen == nil && p.next != "" {
			seen = make(map[[16]byte]struct{}, p.len())
		}
		limit = nextLimit(limit, p.len(), len(p.answer))
		err = p.each(decoder, func(it item) error {
			if seen != nil {
				id := identity(it)
				if _, again := seen[id]; again {
					return nil
				}
				seen[id] = struct{}{}
			}
			return yield(it)
		})
		c.answers.giveBack(p.answer)
		if err != nil {
			return err
		}
		if p.next == "" {
			return nil
		}
		next = p.next
	}
}

// page asks for one page. A page that the server does not give in time, or that is much larger than pages should be (500
// releases of Helm can be 500 MB), is asked for in smaller pieces.
func (c *client) page(ctx context.Context, r resource, q query, next string, limit *int) (page, error) {
	for {
		var p page
		param := map[string]string{"limit": strconv.Itoa(*limit)}
		if next != "" {
			param["continue"] = next
		}
		if q.name != "" {
			param["fieldSelector"] = "metadata.name=" + q.name
		}
		most := 2 * pageBytes
		if *limit == 1 {
			most = 0
		}
		err := c.do(ctx, call{
			path: r.path(q.namespace), accept: r.accept(), param: param, most: most,
			decode: func(answer []byte) (err error) {
				p, err = r.decode(answer)
				p.answer = answer
				return err
			},
		})
		if errors.Is(err, errLarge) {
			*limit = max(1, *limit/8) // of objects of 1 MiB, the largest that a server keeps, 62 at first and then 7
			continue
		}
		if errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil && *limit == pageLimit && !c.patience.exhausted() {
			*limit = pageLimit / 10
			continue
		}
		return p, err
	}
}

// nextLimit keeps pages near pageBytes: the limit may change from page to page.
func nextLimit(limit, items, bytes int) int {
	if items == 0 || bytes == 0 {
		return limit
	}
	fitting := int(int64(pageBytes) * int64(items) / int64(bytes))
	return max(1, min(pageLimit, fitting, limit*2))
}

func gone(err error) bool { return apierrors.IsResourceExpired(err) || apierrors.IsGone(err) }

func identity(it item) [16]byte { return digest(it.meta.GetNamespace() + "/" + it.meta.GetName()) }

// digest is what is remembered of a text of which there are many.
func digest(text string) [16]byte {
	sum := sha256.Sum256([]byte(text))
	return [16]byte(sum[:16])
}
