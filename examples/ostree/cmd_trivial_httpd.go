package main

import (
	"context"
	"errors"
)

// cmdTrivialHTTPD only says where the web server for tests is, which used to be
// a command.
func cmdTrivialHTTPD() *command {
	return &command{
		name: "trivial-httpd", operands: "[DIR]", summary: "Simple webserver", hidden: true, noRepo: true,
		run: func(context.Context, *env, []string) error {
			return errors.New("trivial-httpd is no command of ostree any more; run /usr/libexec/libostree/ostree-trivial-httpd, or any web server")
		},
	}
}
