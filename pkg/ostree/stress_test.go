package ostree_test

import (
	"bufio"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/internal/testenv"
	"github.com/apt-ostree/apt-ostree/pkg/ostree"
	"github.com/apt-ostree/apt-ostree/pkg/ostree/ostreetest"
)

const (
	stressEnv     = "OSTREE_TEST_STRESS" // what the process does
	stressRepoEnv = "OSTREE_TEST_STRESS_REPO"
	// stressSecondsEnv is how long TestConcurrentProcesses lasts.
	stressSecondsEnv = "APT_OSTREE_STRESS_SECONDS"
)

// TestStressHelper is no test: it is the processes of TestConcurrentProcesses,
// which do one thing again and again until they are killed.
func TestStressHelper(t *testing.T) {
	role := os.Getenv(stressEnv)
	if role == "" {
		return
	}
	r, err := ostree.Open(os.Getenv(stressRepoEnv), fastOptions)
	require.NoError(t, err)
	for serial := 0; ; serial++ {
		switch role {
		case "prune":
			_, err = r.Prune(t.Context(), ostree.PruneOptions{RefsOnly: true})
			time.Sleep(time.Duration(rand.IntN(20)) * time.Millisecond)
		case "pull":
			err = stressPull(t, r)
		default:
			err = stressCommit(t, r, role)
		}
		require.NoError(t, err)
	}
}

// stressCommit adds a commit to a ref and then says so: from there on it must
// never be lost. The subject counts.
func stressCommit(t *testing.T, r *ostree.Repo, ref string) error {
	serial := 0
	if c, err := r.Resolve(t.Context(), ref); err == nil {
		old, err := r.LoadCommit(t.Context(), c)
		if err != nil {
			return err
		}
		if serial, err = strconv.Atoi(old.Subject); err != nil {
			return err
		}
	}
	serial++
	tree := variety(fmt.Sprintf("%s %d", ref, serial))
	err := r.Update(t.Context(), func(w *ostree.Writer) error {
		built, err := ostreetest.Build(t.Context(), w, tree)
		if err != nil {
			return err
		}
		commit := ostree.Commit{Subject: strconv.Itoa(serial), Timestamp: ostreetest.Timestamp()}
		if commit.Tree, err = w.WriteTree(t.Context(), built); err != nil {
			return err
		}
		c, err := w.WriteCommit(t.Context(), commit)
		if err != nil {
			return err
		}
		return w.SetRef(ostree.Refspec{Ref: ref}, c)
	})
	if err == nil {
		_, err = fmt.Fprintf(os.Stdout, "done %d\n", serial)
	}
	return err
}

// stressPull pulls one of the commits of a repository beside, or drops the ref
// so that prune has something to take.
func stressPull(t *testing.T, r *ostree.Repo) error {
	src, err := ostree.Open(filepath.Join(filepath.Dir(r.Path()), "source"), fastOptions)
	if err != nil {
		return err
	}
	defer src.Close()
	ref := fmt.Sprintf("from%d", rand.IntN(4))
	if rand.IntN(2) == 0 {
		return r.Update(t.Context(), func(w *ostree.Writer) error { return w.DeleteRef(ostree.Refspec{Remote: "s", Ref: ref}) })
	}
	_, err = r.PullLocal(t.Context(), src, ostree.PullOptions{Refs: []ostree.PullRef{{Ref: ref}}, Remote: "s", Depth: -1})
	return err
}

// A stressProcess is one process that is started again whenever it was killed.
type stressProcess struct {
	role string
	cmd  *exec.Cmd
	read sync.WaitGroup

	mu   sync.Mutex
	done int // the last serial that was said to be there
	last string
}

func (p *stressProcess) start(t *testing.T, repo string) {
	t.Helper()
	p.cmd = exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestStressHelper$")
	p.cmd.Env = append(os.Environ(), stressEnv+"="+p.role, stressRepoEnv+"="+repo)
	out, err := p.cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, p.cmd.Start())
	p.read.Go(func() {
		lines := bufio.NewScanner(out)
		for lines.Scan() {
			p.mu.Lock()
			p.last = lines.Text()
			if _, err := fmt.Sscanf(p.last, "done %d", &p.done); err == nil {
				p.last = ""
			}
			p.mu.Unlock()
		}
	})
}

// kill ends the process in whatever it is doing. It must not have ended by itself.
func (p *stressProcess) kill(t *testing.T) {
	t.Helper()
	require.NoError(t, p.cmd.Process.Kill(), "%s ended by itself: %s", p.role, p.last)
	p.read.Wait()
	require.Error(t, p.cmd.Wait())
	require.Empty(t, p.last, p.role)
}

// Processes that commit, pull and prune in one repository are killed at random.
// Nothing that one of them has finished is lost, and nothing is damaged.
func TestConcurrentProcesses(t *testing.T) {
	t.Parallel()
	testenv.Integration(t)
	seconds := 5
	if text := os.Getenv(stressSecondsEnv); text != "" {
		var err error
		seconds, err = strconv.Atoi(text)
		require.NoError(t, err)
	}
	dir := t.TempDir()
	source, err := ostree.Init(filepath.Join(dir, "source"), ostree.ModeArchive, fastOptions)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, source.Close()) })
	for i := range 4 {
		for n := range 3 {
			ostreetest.Commit(t, source, fmt.Sprintf("from%d", i), variety(fmt.Sprintf("source %d %d", i, n)))
		}
	}
	r, err := ostree.Init(filepath.Join(dir, "repo"), ostree.ModeArchive, fastOptions)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, r.Close()) })

	var processes []*stressProcess
	for _, role := range []string{"a", "b", "pull", "pull", "prune"} {
		p := &stressProcess{role: role}
		p.start(t, r.Path())
		processes = append(processes, p)
	}
	for end := time.Now().Add(time.Duration(seconds) * time.Second); time.Now().Before(end); {
		time.Sleep(time.Duration(10+rand.IntN(150)) * time.Millisecond)
		p := processes[rand.IntN(len(processes))]
		p.kill(t)
		p.start(t, r.Path())
	}
	for _, p := range processes {
		p.kill(t)
	}
	report, err := r.Fsck(t.Context(), ostree.FsckOptions{All: true})
	require.NoError(t, err)
	t.Logf("%d commits, %d of them partial", report.Commits, report.Partial)
	for _, p := range processes[:2] {
		commit, err := r.LoadCommit(t.Context(), resolve(t, r, p.role))
		require.NoError(t, err)
		serial, err := strconv.Atoi(commit.Subject)
		require.NoError(t, err)
		require.Positive(t, p.done)
		require.GreaterOrEqual(t, serial, p.done)
	}
	_, err = r.PullLocal(t.Context(), source, ostree.PullOptions{Remote: "s", Depth: -1})
	require.NoError(t, err)
	requireWhole(t, r, resolve(t, r, "s:from0"))
}
