package main

import (
	"errors"
	"fmt"
	"strconv"
	"time"
)

// sourceDate is the time that $SOURCE_DATE_EPOCH gives to new commits, or zero.
func (e *env) sourceDate() (time.Time, error) {
	text := e.getenv("SOURCE_DATE_EPOCH")
	if text == "" {
		return time.Time{}, nil
	}
	seconds, err := strconv.ParseInt(text, 10, 64)
	if errors.Is(err, strconv.ErrRange) {
		return time.Time{}, errors.New("Parsing SOURCE_DATE_EPOCH: Numerical result out of range")
	}
	if err != nil {
		return time.Time{}, fmt.Errorf("Failed to convert SOURCE_DATE_EPOCH: %s is not a number of seconds", text)
	}
	return time.Unix(seconds, 0), nil
}
