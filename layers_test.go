package layers_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const module = "github.com/apt-ostree/apt-ostree"

// roots are the folders of pkg, with the other roots each may stand on. The
// picture is in ARCHITECTURE.md.
var roots = map[string][]string{
	"ostree":  {},
	"apt":     {},
	"sandbox": {},
	"deploy":  {"ostree"},
	"txn":     {"ostree", "apt", "sandbox", "deploy"},
}

// front are the internal packages that stand on pkg instead of below it.
var front = []string{"internal/cli", "internal/busapi"}

// registryLibrary brings much with it, which programs without images do without.
const registryLibrary = "github.com/google/go-containerregistry"

// source is one parsed file. The test parses the files itself: what it learned
// from `go list` would be served from the test cache after a forbidden import
// was added.
type source struct {
	path string // from the top of the module
	dir  string
	file *ast.File
	fset *token.FileSet
}

func (s source) test() bool { return strings.HasSuffix(s.path, "_test.go") }

func sources(t *testing.T) []source {
	t.Helper()
	var all []source
	err := filepath.WalkDir(".", func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := d.Name()
		if d.IsDir() && p != "." && (strings.HasPrefix(name, ".") || strings.HasPrefix(name, "_") || name == "testdata" || name == "tools") {
			return filepath.SkipDir
		}
		if d.IsDir() || !strings.HasSuffix(name, ".go") {
			return nil
		}
		fset := token.NewFileSet()
		file, err := parser.ParseFile(fset, p, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		all = append(all, source{path: filepath.ToSlash(p), dir: path.Dir(filepath.ToSlash(p)), file: file, fset: fset})
		return nil
	})
	require.NoError(t, err)
	require.NotEmpty(t, all)
	return all
}

// imports of a file: those of the module from its top, others as they are.
func (s source) imports() []string {
	var all []string
	for _, spec := range s.file.Imports {
		name, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			continue // the parser has accepted it, so this is a valid literal
		}
		all = append(all, strings.TrimPrefix(name, module+"/"))
	}
	return all
}

func TestFiveRoots(t *testing.T) {
	t.Parallel()
	entries, err := os.ReadDir("pkg")
	require.NoError(t, err)
	var have, want []string
	for _, e := range entries {
		have = append(have, e.Name())
	}
	for name := range roots {
		want = append(want, name)
	}
	require.ElementsMatch(t, want, have)
}

func TestImportsFollowThePicture(t *testing.T) {
	t.Parallel()
	for _, s := range sources(t) {
		if s.test() {
			continue
		}
		for _, imported := range s.imports() {
			if reason := forbiddenImport(s.dir, imported); reason != "" {
				t.Errorf("%s imports %s: %s", s.path, imported, reason)
			}
		}
	}
}

// forbiddenImport says why the package in dir must not import another one.
func forbiddenImport(dir, imported string) string {
	root, inPkg := rootOf(dir)
	importedRoot, importsPkg := rootOf(imported)
	switch {
	case imported == "C":
		return "everything builds without cgo"
	case below(imported, "cmd"):
		return "nothing imports a command"
	case below(imported, registryLibrary) && dir != "pkg/ostree/oci":
		return "registries are the business of pkg/ostree/oci alone"
	case isFront(imported) && !below(dir, "cmd") && !isFront(dir) && !below(dir, "test"):
		return "only commands stand on the front ends"
	case below(imported, "pkg/ostree/oci") && (root == "ostree" || root == "deploy") && !below(dir, "pkg/ostree/oci"):
		return "repositories and deployments do without images"
	case importsPkg && below(dir, "internal") && !isFront(dir):
		return "internal helpers make no use of the domain"
	case importsPkg && below(dir, "pkg/txn/step") && !below(imported, "pkg/txn/step"):
		return "the engine has no domain words"
	case importsPkg && inPkg && root != importedRoot && !slices.Contains(roots[root], importedRoot):
		return "pkg/" + root + " must not stand on pkg/" + importedRoot
	}
	return ""
}

func rootOf(dir string) (string, bool) {
	rest, ok := strings.CutPrefix(dir, "pkg/")
	root, _, _ := strings.Cut(rest, "/")
	return root, ok
}

func below(dir, top string) bool { return dir == top || strings.HasPrefix(dir, top+"/") }

func isFront(dir string) bool {
	return slices.ContainsFunc(front, func(f string) bool { return below(dir, f) })
}

func TestForbiddenImports(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		dir, imported string
		forbidden     bool
	}{
		{"pkg/ostree", "pkg/apt", true},
		{"pkg/ostree/oci", "pkg/ostree", false},
		{"pkg/ostree/oci", registryLibrary + "/pkg/v1", false},
		{"pkg/ostree", registryLibrary + "/pkg/v1", true},
		{"pkg/ostree", "pkg/ostree/oci", true},
		{"pkg/deploy", "pkg/ostree/oci", true},
		{"pkg/txn", "pkg/ostree/oci", false},
		{"pkg/deploy", "pkg/ostree", false},
		{"pkg/deploy", "pkg/apt", true},
		{"pkg/sandbox", "pkg/ostree", true},
		{"pkg/apt", "internal/keyfile", false},
		{"pkg/apt", "internal/cli", true},
		{"pkg/txn/assemble", "pkg/deploy", false},
		{"pkg/txn/step", "pkg/ostree", true},
		{"pkg/txn", "cmd/apt-ostree", true},
		{"pkg/txn", "C", true},
		{"internal/fsx", "pkg/ostree", true},
		{"internal/cli", "pkg/txn", false},
		{"cmd/apt-ostree", "internal/cli", false},
	} {
		require.Equal(t, c.forbidden, forbiddenImport(c.dir, c.imported) != "", "%s imports %s", c.dir, c.imported)
	}
}

func TestLibraryHasNoAmbientState(t *testing.T) {
	t.Parallel()
	for _, s := range sources(t) {
		if s.test() || !below(s.dir, "pkg") {
			continue
		}
		for _, finding := range ambientState(s.file) {
			t.Errorf("%s: %s", s.fset.Position(finding.pos), finding.what)
		}
	}
}

type finding struct {
	pos  token.Pos
	what string
}

// ambientState finds what a library must not have: init functions, loggers of
// a package, reading the environment, printing and exiting.
func ambientState(file *ast.File) []finding {
	var found []finding
	for _, decl := range file.Decls {
		switch d := decl.(type) {
		case *ast.FuncDecl:
			if d.Name.Name == "init" && d.Recv == nil {
				found = append(found, finding{d.Pos(), "func init"})
			}
		case *ast.GenDecl:
			found = append(found, packageLoggers(d)...)
		}
	}
	ast.Inspect(file, func(n ast.Node) bool {
		if name := qualified(n); forbiddenName(name) {
			found = append(found, finding{n.Pos(), name})
		}
		return true
	})
	return found
}

func packageLoggers(d *ast.GenDecl) []finding {
	if d.Tok != token.VAR {
		return nil
	}
	var found []finding
	ast.Inspect(d, func(n ast.Node) bool {
		if _, ok := n.(*ast.FuncLit); ok {
			return false
		}
		name := qualified(n)
		if strings.HasPrefix(name, "slog.") || strings.HasPrefix(name, "log.") {
			found = append(found, finding{n.Pos(), "logger of the package: " + name})
		}
		return true
	})
	return found
}

func qualified(n ast.Node) string {
	selector, ok := n.(*ast.SelectorExpr)
	if !ok {
		return ""
	}
	x, ok := selector.X.(*ast.Ident)
	if !ok {
		return ""
	}
	return x.Name + "." + selector.Sel.Name
}

func forbiddenName(name string) bool {
	switch name {
	case "os.Getenv", "os.LookupEnv", "os.Environ", "os.Setenv", "os.Exit",
		"fmt.Print", "fmt.Printf", "fmt.Println", "slog.Default", "slog.SetDefault":
		return true
	}
	return false
}

func TestAmbientStateIsFound(t *testing.T) {
	t.Parallel()
	const bad = `package p
import ("fmt"; "log/slog"; "os")
var logger = slog.New(nil)
func init() {}
func f() { fmt.Println(os.Getenv("HOME")); os.Exit(1) }
`
	file, err := parser.ParseFile(token.NewFileSet(), "bad.go", bad, 0)
	require.NoError(t, err)
	var what []string
	for _, f := range ambientState(file) {
		what = append(what, f.what)
	}
	require.Equal(t, []string{"logger of the package: slog.New", "func init", "fmt.Println", "os.Getenv", "os.Exit"}, what)
}
