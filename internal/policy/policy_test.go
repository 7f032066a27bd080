package policy

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"
)

// module is the module path, which every import of ours starts with.
const module = "github.com/baremetaldevx86/microdr"

// imports is the table of ARCHITECTURE.md: a package, and the packages of ours
// that its files may import. Packages stand below those that use them. "below"
// means every package in the lines above. A package that is not listed fails
// the test, and so does an import that is not.
//
// Test files may also import any package that does not, directly or through
// others, import the package they test: a gradient's test needs the executor.
const imports = `
mem             :
mem/study       : mem
ir              :
ir/irtest       : ir
grad            : ir
eval            : ir
jit/amd64       :
jit             : ir jit/amd64 mem
kernel          : ir eval jit mem
trace           : ir
tensor          : trace grad kernel ir
array           :
onnx/ndarray    : array
onnx/format     : onnx/ndarray
onnx            : onnx/ndarray onnx/format tensor
optim           : trace
internal/atomicfile :
internal/yamlfile   :
internal/reportpage :
philox          :
npy             : array internal/atomicfile
safetensors     : array internal/atomicfile
nn              : tensor trace array safetensors
film            : internal/atomicfile
data            : array film philox
scene           : philox internal/yamlfile
render          : scene trace ir grad kernel film
fit             : scene render grad kernel film optim trace internal/reportpage
train           : nn tensor optim trace kernel data safetensors internal/reportpage
recipe          : nn tensor train optim data internal/yamlfile
shell           :
httpd           : mem
studio          : httpd shell scene render fit film mem kernel ir nn optim
bench           : below
bench/heaps     : mem bench
docs/pictures   : scene fit film kernel mem/study
cmd/microdr     : below
internal/policy :
`

// nameless are folder names that say nothing about what is inside.
var nameless = []string{"util", "utils", "common", "helper", "helpers", "misc", "shared"}

// longestFunction is the limit in lines, and longFunctions the ones allowed to
// be longer because they are tables, as "package.Name" or "package.Type.Name".
const longestFunction = 80

var longFunctions = []string{}

func TestPolicy(t *testing.T) {
	for _, violation := range check(t, os.DirFS("../.."), imports) {
		t.Error(violation)
	}
}

// table maps a package to the set of packages of ours it may import.
type table map[string]map[string]bool

func parseTable(t *testing.T, text string) table {
	t.Helper()
	allowed := table{}
	for line := range strings.Lines(strings.TrimSpace(text)) {
		name, list, ok := strings.Cut(line, ":")
		name = strings.TrimSpace(name)
		if !ok || allowed[name] != nil {
			t.Fatalf("line %q of the table is malformed or repeated", line)
		}
		set := map[string]bool{}
		for _, imported := range strings.Fields(list) {
			if imported == "below" {
				for lower := range allowed {
					set[lower] = true
				}
			} else if allowed[imported] == nil {
				t.Fatalf("package %s imports %s, which is not listed above it", name, imported)
			} else {
				set[imported] = true
			}
		}
		allowed[name] = set
	}
	return allowed
}

// reaches reports whether from imports to, directly or through others.
func (allowed table) reaches(from, to string) bool {
	for next := range allowed[from] {
		if next == to || allowed.reaches(next, to) {
			return true
		}
	}
	return false
}

// permits reports whether a file of package from may import package to.
func (allowed table) permits(from, to string, isTest bool) bool {
	if allowed[from][to] {
		return true
	}
	return isTest && allowed[to] != nil && !allowed.reaches(to, from)
}

// check returns the violations in all .go files of the tree, sorted.
func check(t *testing.T, tree fs.FS, text string) []string {
	t.Helper()
	allowed := parseTable(t, text)
	var found []string
	err := fs.WalkDir(tree, ".", func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && skipped(name):
			return fs.SkipDir
		case entry.IsDir() && slices.Contains(nameless, path.Base(name)):
			found = append(found, name+": the folder's name says nothing about its contents")
		case path.Ext(name) == ".go" && !entry.IsDir():
			violations, err := checkFile(tree, name, allowed)
			found = append(found, violations...)
			return err
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(found)
	return found
}

// skipped reports whether the go tool would pass over the folder, too; /runs
// holds the output of fits.
func skipped(dir string) bool {
	base := path.Base(dir)
	return base == "testdata" || dir == "runs" ||
		dir != "." && (strings.HasPrefix(base, ".") || strings.HasPrefix(base, "_"))
}

func checkFile(tree fs.FS, name string, allowed table) ([]string, error) {
	source, err := fs.ReadFile(tree, name)
	if err != nil {
		return nil, err
	}
	files := token.NewFileSet()
	file, err := parser.ParseFile(files, name, source, parser.ParseComments)
	if err != nil {
		return nil, err
	}
	pkg, isTest := path.Dir(name), strings.HasSuffix(name, "_test.go")
	var found []string
	if allowed[pkg] == nil {
		found = append(found, fmt.Sprintf("%s: package %s is not in the table", name, pkg))
	}
	for _, spec := range file.Imports {
		if why := refuseImport(allowed, pkg, spec, isTest); why != "" {
			found = append(found, fmt.Sprintf("%v: %s", files.Position(spec.Pos()), why))
		}
	}
	if !isTest && !ast.IsGenerated(file) {
		found = append(found, longOnes(files, file, pkg)...)
	}
	return found, nil
}

// refuseImport says why a file of pkg may not import spec, or nothing.
func refuseImport(allowed table, pkg string, spec *ast.ImportSpec, isTest bool) string {
	imported, err := strconv.Unquote(spec.Path.Value)
	switch {
	case err != nil:
		return err.Error()
	case imported == "C":
		return "cgo is not used here"
	case imported == module:
		imported = "."
	case strings.HasPrefix(imported, module+"/"):
		imported = strings.TrimPrefix(imported, module+"/")
	default:
		return ""
	}
	if imported == pkg && isTest || allowed.permits(pkg, imported, isTest) {
		return ""
	}
	return fmt.Sprintf("%s may not import %s", pkg, imported)
}

// longOnes returns the file's functions beyond the limit that are not listed.
func longOnes(files *token.FileSet, file *ast.File, pkg string) []string {
	var found []string
	for _, decl := range file.Decls {
		function, ok := decl.(*ast.FuncDecl)
		if !ok {
			continue
		}
		lines := files.Position(function.End()).Line - files.Position(function.Pos()).Line + 1
		if name := pkg + "." + qualified(function); lines > longestFunction && !slices.Contains(longFunctions, name) {
			found = append(found, fmt.Sprintf("%v: %s has %d lines, more than %d",
				files.Position(function.Pos()), name, lines, longestFunction))
		}
	}
	return found
}

// qualified returns Name or Type.Name.
func qualified(function *ast.FuncDecl) string {
	if function.Recv == nil {
		return function.Name.Name
	}
	receiver := function.Recv.List[0].Type
	for {
		switch t := receiver.(type) {
		case *ast.StarExpr:
			receiver = t.X
		case *ast.IndexExpr:
			receiver = t.X
		case *ast.IndexListExpr:
			receiver = t.X
		case *ast.Ident:
			return t.Name + "." + function.Name.Name
		default:
			return function.Name.Name
		}
	}
}

// TestCheckFinds holds the checker itself to account: each row is a file that
// it must refuse, or must not.
func TestCheckFinds(t *testing.T) {
	const small = "low:\nmid: low\nside: low\ntop: mid\nall: below\n"
	long := "package low\nfunc (*T[K]) f() {\n" + strings.Repeat("\n", longestFunction) + "}\n"
	ours := func(pkg, imported string) string {
		return "package " + pkg + "\nimport _ \"" + module + "/" + imported + "\"\n"
	}
	for _, row := range []struct{ file, source, want string }{
		{"mid/a.go", ours("mid", "low"), ""},
		{"all/a.go", ours("all", "top"), ""},
		{"low/a.go", "package low\nimport _ \"fmt\"\n", ""},
		{"low/a.go", ours("low", "mid"), "low/a.go:2:8: low may not import mid"},
		{"mid/a.go", ours("mid", "side"), "mid/a.go:2:8: mid may not import side"},
		{"top/a.go", ours("top", "low"), "top/a.go:2:8: top may not import low"},
		{"mid/a_test.go", ours("mid", "side"), ""},
		{"mid/a_test.go", ours("mid_test", "mid"), ""},
		{"low/a_test.go", ours("low", "mid"), "low/a_test.go:2:8: low may not import mid"},
		{"low/a_test.go", ours("low", "top"), "low/a_test.go:2:8: low may not import top"},
		{"low/a_windows.go", ours("low", "mid"), "low/a_windows.go:2:8: low may not import mid"},
		{"new/a.go", "package new\n", "new/a.go: package new is not in the table"},
		{"a.go", "package microdr\n", "a.go: package . is not in the table"},
		{"top/a.go", "package top\nimport _ \"" + module + "\"\n", "top/a.go:2:8: top may not import ."},
		{"low/a.go", "package low\nimport \"C\"\n", "low/a.go:2:8: cgo is not used here"},
		{"low/util/a.txt", "", "low/util: the folder's name says nothing about its contents"},
		{"low/a.go", long, "low/a.go:2:1: low.T.f has 82 lines, more than 80"},
		{"low/a_test.go", long, ""},
		{"low/a.go", "// Code generated by hand. DO NOT EDIT.\n\n" + long, ""},
		{"low/testdata/a.go", "not Go", ""},
	} {
		tree := fstest.MapFS{row.file: {Data: []byte(row.source)}}
		if got := strings.Join(check(t, tree, small), "\n"); got != row.want {
			t.Errorf("%s:\n%s\ngot  %q\nwant %q", row.file, row.source, got, row.want)
		}
	}
}
