package selinux_test

import (
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/apt-ostree/apt-ostree/pkg/ostree/selinux"
)

const files = "etc/selinux/test/contexts/files/file_contexts"

// contexts is a policy with one rule of each kind.
const contexts = `# comment, with ümlauts
/.*	system_u:object_r:default_t:s0
/	-d	root_t
/usr(/.*)?	usr_t
/usr/bin(/.*)?	bin_t
/usr/bin/su	--	su_t
/usr/bin/su	-l	su_link_t
/usr/bin/[^/]+\.real	real_t
/usr/bin/exact\.real	first_t
/usr/bin/exact\.real	exact_t
/usr/bin/x?y	opt_t
/usr/bin/.	one_t
/dev/null	-c	null_t
/dev/sd[^/]*	-b	disk_t
/run/.*	-s	sock_t
/run/.*	-p	fifo_t
/mnt	-d	mnt_t
/tmp/.*	<<none>>
/either|/or	either_t
/odd\-stem/x	never_t
/srv/([^/]+/)*www(/.*)?	www_t
`

func testFS(config string, more map[string]string) fstest.MapFS {
	m := fstest.MapFS{"etc/selinux/config": {Data: []byte(config)}, files: {Data: []byte(contexts)}}
	for name, text := range more {
		m[name] = &fstest.MapFile{Data: []byte(text)}
	}
	return m
}

const enabled = "# comment\nSELINUX=Permissive\nSELINUXTYPE=test \n"

func testPolicy(t *testing.T) *selinux.Policy {
	t.Helper()
	p, err := selinux.Read(testFS(enabled, map[string]string{
		files + ".homedirs":  "/home/[^/]+/\\.ssh(/.*)?\tssh_t\n",
		files + ".local":     "/usr/bin/local.*\tlocal_t\n",
		files + ".subs":      "/local /usr/local\n/root /\n",
		files + ".subs_dist": "# no\n\n/usr/local /usr\n/lib /usr/lib\n/lib/keep /keep\n",
	}))
	require.NoError(t, err)
	return p
}

func TestLabel(t *testing.T) {
	t.Parallel()
	p := testPolicy(t)
	require.Equal(t, "test", p.Name())
	for _, c := range []struct {
		path  string
		mode  uint32
		label string
	}{
		{"/", unix.S_IFDIR | 0o755, "root_t"},
		{"/", unix.S_IFREG, "system_u:object_r:default_t:s0"},
		{"/what", 0, "system_u:object_r:default_t:s0"},
		{"/usr", unix.S_IFDIR, "usr_t"},
		{"//usr//lib/", unix.S_IFDIR, "usr_t"},
		{"/usr/bin/su", unix.S_IFREG | 0o4755, "su_t"},
		{"/usr/bin/su", unix.S_IFLNK, "su_link_t"},
		{"/usr/bin/su", unix.S_IFDIR, "bin_t"},
		{"/usr/bin/su", 0, "su_link_t"},
		{"/usr/bin/x.real", unix.S_IFREG, "real_t"},
		{"/usr/bin/exact.real", unix.S_IFREG, "exact_t"},
		{"/usr/bin/xy", unix.S_IFREG, "opt_t"},
		{"/usr/bin/y", unix.S_IFREG, "one_t"},
		{"/usr/bin/y\n", unix.S_IFREG, "one_t"},
		{"/usr/bin/ü", unix.S_IFREG, "bin_t"},
		{"/dev/null", unix.S_IFCHR, "null_t"},
		{"/dev/sda", unix.S_IFBLK, "disk_t"},
		{"/run/x", unix.S_IFSOCK, "sock_t"},
		{"/run/x", unix.S_IFIFO, "fifo_t"},
		{"/tmp/x", unix.S_IFREG, ""},
		{"/proc", unix.S_IFDIR, "mnt_t"},
		{"/either/below", 0, "either_t"},
		{"/above/or", 0, "either_t"},
		{"/odd-stem/x", 0, "system_u:object_r:default_t:s0"},
		{"/srv/a/b/www/c", 0, "www_t"},
		{"/home/joe/.ssh/id", 0, "ssh_t"},
		{"/usr/bin/localized", 0, "local_t"},
		{"/local/bin/su", unix.S_IFREG, "su_t"},
		{"/root/dev/null", unix.S_IFCHR, "null_t"},
		{"/lib/x", unix.S_IFREG, "usr_t"},
		{"/lib/keep/x", unix.S_IFREG, "system_u:object_r:default_t:s0"},
		{"/library", unix.S_IFREG, "system_u:object_r:default_t:s0"},
	} {
		label, err := p.Label(c.path, c.mode)
		require.NoError(t, err)
		require.Equal(t, c.label, label, "%s %o", c.path, c.mode)
	}
	_, err := p.Label("usr", 0)
	require.ErrorContains(t, err, "absolute")
}

func TestWithUsrEtc(t *testing.T) {
	t.Parallel()
	p, err := selinux.Read(testFS(enabled, map[string]string{files + ".local": "/etc(/.*)?\tetc_t\n"}))
	require.NoError(t, err)
	q := p.WithUsrEtc()
	for path, want := range map[string][2]string{
		"/usr/etc/x": {"usr_t", "etc_t"}, "/usr/etc": {"usr_t", "etc_t"}, "/usr/etcetera": {"usr_t", "usr_t"}, "/etc/x": {"etc_t", "etc_t"},
	} {
		for i, policy := range []*selinux.Policy{p, q} {
			label, err := policy.Label(path, 0)
			require.NoError(t, err)
			require.Equal(t, want[i], label, path)
		}
	}
}

func TestReadFindsThePolicyOfACommit(t *testing.T) {
	t.Parallel()
	commit := fstest.MapFS{}
	for name, file := range testFS(enabled, nil) {
		commit["usr/"+name] = file
	}
	p, err := selinux.Read(commit)
	require.NoError(t, err)
	require.Equal(t, "test", p.Name())
}

func TestReadWithoutPolicy(t *testing.T) {
	t.Parallel()
	for _, root := range []fstest.MapFS{{}, testFS("SELINUX=disabled\nSELINUXTYPE=test\n", nil), testFS("", nil)} {
		_, err := selinux.Read(root)
		require.ErrorIs(t, err, selinux.ErrNoPolicy)
	}
	_, err := selinux.Open(t.TempDir())
	require.ErrorIs(t, err, selinux.ErrNoPolicy)
}

func TestReadRefuses(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"/x":                                  "file_contexts.local:2: a pattern and a label",
		"/x -q x_t":                           "not a type of file",
		"/ü x_t":                              "not ASCII",
		"/x( x_t":                             "missing closing",
		"/(?=x) x_t":                          "invalid or unsupported Perl syntax",
		"/(a{500}){2} x_t":                    "",
		"/((a|b|c|d){100}[^/]{9}){9}{9}x x_t": "invalid nested repetition operator",
		"/((ab|cd|[ef]g){90}){10}{2} x_t":     "invalid nested repetition operator",
		"/(([ab]c|[cd]d|[ef]g){99}){10}-(([ab]c|[cd]d|[ef]g){99}){10} x_t": "too large",
	} {
		_, err := selinux.Read(testFS(enabled, map[string]string{files + ".local": "\n" + text + "\n"}))
		if want == "" {
			require.NoError(t, err, text)
			continue
		}
		require.ErrorContains(t, err, want, text)
	}
	_, err := selinux.Read(testFS("SELINUX=enforcing\nSELINUXTYPE=../x\n", nil))
	require.ErrorContains(t, err, "not the name of a policy")
	_, err = selinux.Read(testFS("SELINUX=enforcing\nSELINUXTYPE=other\n", nil))
	require.ErrorContains(t, err, "file_contexts")
}
