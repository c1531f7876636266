package api

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// page is how many attempts or notices a page has if the request does not say, and maxPage the most.
const page, maxPage = 50, 200

// pageLimit is the parameter that says how many a page has.
func pageLimit(into *int) Parameter {
	return number(Parameter{
		Name: "limit", In: InQuery, Min: 1, Max: maxPage, Default: strconv.Itoa(page), Doc: "How many are listed.",
	}, into, fmt.Errorf("%w: limit is 1 to %d", ErrFilter, maxPage))
}

// pageBefore is the parameter that says where a page begins.
func pageBefore(into *uint64) Parameter {
	return number(Parameter{
		Name: "before", In: InQuery, Doc: "The number that was next on the page before; none for the first page.",
	}, into, fmt.Errorf("%w: before is the number that was next on the page before", ErrFilter))
}

// nextPage is where the next page begins on the wire: null if there is none.
func nextPage(before uint64) *uint64 {
	if before == 0 {
		return nil
	}
	return &before
}

// byName is how much of a list is wanted that has names for cursors.
type byName struct {
	limit int
	after string
}

// parameters are those that say it.
func (p *byName) parameters() []Parameter {
	return []Parameter{
		number(Parameter{Name: "limit", In: InQuery, Min: 1, Max: maxList, Doc: "The most that are listed; all if empty."}, &p.limit,
			fmt.Errorf("%w: limit is 1 to %d", ErrFilter, maxList)),
		text(Parameter{Name: "after", In: InQuery, Doc: "The text that was next on the page before; none for the first page."}, &p.after),
	}
}

// pageByName is a part of a list, in the order of the names, and where the next one begins: nil if there is none.
func pageByName[T any](p byName, all []T, name func(T) string) (part []T, next *string) {
	all = slices.DeleteFunc(slices.SortedFunc(slices.Values(all), func(a, b T) int { return strings.Compare(name(a), name(b)) }),
		func(one T) bool { return name(one) <= p.after && p.after != "" })
	if p.limit == 0 || len(all) <= p.limit {
		return all, nil
	}
	last := name(all[p.limit-1])
	return all[:p.limit], &last
}
