package wire_test

import (
	"bufio"
	"bytes"
	"io"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/test/vm/wire"
)

func TestReadSkipsWhatAnInterruptionLeft(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	b.WriteString(`{"ID":1,"Argv":["half`)
	require.NoError(t, wire.Write(&b, wire.Request{ID: 2, Argv: []string{"true"}, Stdin: []byte("a\nb")}))
	b.WriteString("noise\n\n")
	require.NoError(t, wire.Write(&b, wire.Request{ID: 3}))
	r := bufio.NewReader(&b)
	first, err := wire.Read[wire.Request](r)
	require.NoError(t, err)
	require.Equal(t, wire.Request{ID: 2, Argv: []string{"true"}, Stdin: []byte("a\nb")}, first)
	second, err := wire.Read[wire.Request](r)
	require.NoError(t, err)
	require.EqualValues(t, 3, second.ID)
	_, err = wire.Read[wire.Request](r)
	require.ErrorIs(t, err, io.EOF)
}
