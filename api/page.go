package api

import (
	"fmt"
	"strconv"
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
