package fetch_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/pkg/ostree/internal/fetch"
)

func TestWatchCountsOnlyTheTimeOfWaiting(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := fetch.NewWatch(t.Context(), 1000, 10*time.Second)
		defer w.Stop()
		time.Sleep(9 * time.Second)
		w.Got(0) // the head of the response
		// Nobody reads for long, which is not the server's fault.
		time.Sleep(time.Hour)
		require.False(t, w.Slow())
		w.Wait()
		time.Sleep(500 * time.Millisecond)
		require.False(t, w.Slow())
		time.Sleep(600 * time.Millisecond)
		require.True(t, w.Slow())
	})
}

func TestWatchLetsAFastTransferGoOn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := fetch.NewWatch(t.Context(), 1000, 10*time.Second)
		defer w.Stop()
		for range 100 {
			w.Wait()
			time.Sleep(time.Second)
			w.Got(2000)
		}
		require.False(t, w.Slow())
		w.Wait()
		time.Sleep(21 * time.Second)
		require.True(t, w.Slow())
	})
}

func TestWatchWithoutLimit(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := fetch.NewWatch(t.Context(), -1, time.Second)
		defer w.Stop()
		w.Wait()
		time.Sleep(time.Hour)
		require.False(t, w.Slow())
	})
}

func TestGateLetsMetadataGoFirst(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := fetch.NewGate(1)
		require.NoError(t, g.Enter(t.Context(), fetch.Content))
		order := make(chan string, 3)
		for _, w := range []struct {
			p    fetch.Priority
			name string
		}{{fetch.Content, "content"}, {fetch.Metadata, "first"}, {fetch.Metadata, "second"}} {
			go func() {
				if g.Enter(t.Context(), w.p) == nil {
					order <- w.name
					g.Leave()
				}
			}()
			synctest.Wait()
		}
		g.Leave()
		require.Equal(t, []string{"first", "second", "content"}, []string{<-order, <-order, <-order})
		require.NoError(t, g.Enter(t.Context(), fetch.Content))
	})
}

func TestGateWithoutThoseWhoGaveUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := fetch.NewGate(1)
		require.NoError(t, g.Enter(t.Context(), fetch.Metadata))
		ctx, cancel := contextWithCancel(t)
		result := make(chan error)
		go func() { result <- g.Enter(ctx, fetch.Metadata) }()
		synctest.Wait()
		cancel()
		require.Error(t, <-result)
		require.Error(t, g.Enter(ctx, fetch.Metadata))
		g.Leave()
		require.NoError(t, g.Enter(t.Context(), fetch.Metadata))
	})
}
