package sandboxtest_test

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/pkg/sandbox"
	"github.com/apt-ostree/apt-ostree/pkg/sandbox/sandboxtest"
)

func TestRecorder(t *testing.T) {
	t.Parallel()
	var quiet sandboxtest.Recorder
	require.NoError(t, quiet.Run(t.Context(), sandbox.Spec{Argv: []string{"one"}}))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, quiet.Run(ctx, sandbox.Spec{Argv: []string{"two"}}), context.Canceled)
	require.Len(t, quiet.Specs(), 2)
	require.Equal(t, []string{"one"}, quiet.Specs()[0].Argv)

	refused := errors.New("refused")
	answering := sandboxtest.Recorder{Do: func(_ context.Context, spec sandbox.Spec) error {
		if spec.Argv[0] == "bad" {
			return refused
		}
		return nil
	}}
	require.NoError(t, answering.Run(t.Context(), sandbox.Spec{Argv: []string{"good"}}))
	require.ErrorIs(t, answering.Run(t.Context(), sandbox.Spec{Argv: []string{"bad"}}), refused)
}
