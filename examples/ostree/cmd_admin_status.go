package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/apt-ostree/apt-ostree/pkg/deploy"
	"github.com/apt-ostree/apt-ostree/pkg/ostree"
	"github.com/apt-ostree/apt-ostree/pkg/ostree/sign"
)

// adminStatus are the options of admin status.
type adminStatus struct{ verify, json, skip, isDefault bool }

func cmdAdminStatus() *command {
	o := new(adminStatus)
	return onSysroot(&command{
		name: "status", summary: "List deployments",
		flags: func(f *flags) {
			f.Bool(&o.verify, "verify", "V", "Print the commit verification status")
			f.Bool(&o.json, "json", "J", "Emit JSON")
			f.Bool(&o.skip, "skip-signatures", "S", "Skip signatures in output")
			f.Bool(&o.isDefault, "is-default", "D",
				"Output \"default\" if booted into the default deployment, otherwise \"not-default\"")
		},
		run: func(ctx context.Context, e *env, _ []string) error {
			s, err := e.openSysroot()
			if err != nil {
				return err
			}
			all, err := s.Deployments(ctx)
			if err != nil {
				return err
			}
			return o.print(ctx, e, s, all)
		},
	})
}

func (o *adminStatus) print(ctx context.Context, e *env, s *deploy.Sysroot, all []deploy.Deployment) error {
	switch {
	case o.json:
		return printStatusJSON(e, all)
	case o.isDefault && len(all) == 0:
		return errors.New("Not in a booted OSTree system")
	case o.isDefault && all[0].Booted:
		e.println("default")
		return nil
	case o.isDefault:
		e.println("not-default")
		return nil
	case len(all) == 0:
		e.println("No deployments.")
	}
	for _, d := range all {
		if err := o.deployment(ctx, e, s, d); err != nil {
			return err
		}
	}
	failure, err := s.FinalizeFailure()
	if failure != "" {
		e.printf("warning: the last shutdown did not finalize the staged deployment: %s\n", failure)
	}
	return err
}

// deployment prints what there is to know of one.
func (o *adminStatus) deployment(ctx context.Context, e *env, s *deploy.Sysroot, d deploy.Deployment) error {
	marker, state := " ", ""
	if d.Booted {
		marker = "*"
	}
	switch {
	case d.Locked:
		state = " (finalization locked)"
	case d.Staged:
		state = " (staged)"
	case d.Pending:
		state = " (pending)"
	case d.Rollback:
		state = " (rollback)"
	}
	e.printf("%s %s %s%s\n", marker, d.Stateroot, d.Name(), state)
	if d.Version != "" {
		e.printf("    Version: %s\n", d.Version)
	}
	if d.Unlocked != "" {
		e.printf("    Unlocked: %s\n", d.Unlocked)
	}
	if d.Pinned {
		e.printf("    Pinned: yes\n")
	}
	if d.BootFailure != "" {
		e.printf("    Boot failure: %s\n", d.BootFailure)
	}
	switch {
	case d.Origin == nil:
		e.printf("    origin: none\n")
	case refspecOf(d) == "":
		e.printf("    origin: <unknown origin type>\n")
	default:
		e.printf("    origin refspec: %s\n", d.Origin.Refspec)
	}
	if d.SourceTitle != "" && d.Origin != nil {
		e.printf("    `- %s\n", d.SourceTitle)
	}
	return o.signatures(ctx, e, s.Repo(), d)
}

// signatures tells about those of the deployed commit, by the keys of the remote it came from.
func (o *adminStatus) signatures(ctx context.Context, e *env, repo *ostree.Repo, d deploy.Deployment) error {
	remote, err := remoteOf(d)
	switch {
	case err != nil:
		return err
	case o.verify && refspecOf(d) == "":
		return errors.New("No origin/refspec, cannot verify")
	case o.verify && remote == "":
		return errors.New("Cannot verify deployment without remote")
	case remote == "" || o.skip && !o.verify:
		return nil
	}
	v, err := repo.CommitVerification(remote)
	if _, gone := errors.AsType[*ostree.RemoteNotFoundError](err); gone && !o.verify {
		return nil // It can be told when it is there.
	}
	if err != nil {
		return err
	}
	results, err := repo.VerifyCommit(ctx, d.Checksum, v)
	if err != nil {
		if _, unsigned := errors.AsType[*sign.NoSignatureError](err); unsigned && !o.verify {
			return nil
		}
		return fmt.Errorf("Deployment %d: %w", d.Index, err)
	}
	for _, r := range results {
		for _, signature := range r.OpenPGP {
			e.printf("%s", signature.Describe("    GPG: ", time.Local))
		}
		if o.verify && r.Engine != sign.GPG {
			e.printf("    %s: Signature verified successfully with key '%s'\n", r.Engine, r.Key)
		}
	}
	return nil
}

// refspecOf returns what a deployment follows, or "" for one that is no commit of a ref as it is.
func refspecOf(d deploy.Deployment) string {
	if d.Origin == nil || d.Origin.Layered() {
		return ""
	}
	return d.Origin.Refspec
}

// remoteOf returns the remote that a deployment follows, or "".
func remoteOf(d deploy.Deployment) (string, error) {
	if refspecOf(d) == "" {
		return "", nil
	}
	ref, err := ostree.ParseRefspec(refspecOf(d))
	return ref.Remote, err
}
