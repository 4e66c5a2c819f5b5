package deploy

import (
	"debug/elf"
	"os"
	"strings"
	"testing"

	"github.com/sluice-proxy/sluice/test/harness/harnesstest"
)

// librdkafka and OpenSSL are C. So the binary has another address in each process, and its relocations are read-only
// before it begins.
func TestTheBinaryIsHardened(t *testing.T) {
	f, err := elf.Open(harnesstest.Binary())
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	flags, err := f.DynValue(elf.DT_FLAGS)
	if err != nil || len(flags) != 1 || elf.DynFlag(flags[0])&elf.DF_BIND_NOW == 0 {
		t.Errorf("not BIND_NOW: flags %v, %v", flags, err)
	}
	flags, err = f.DynValue(elf.DT_FLAGS_1)
	if want := elf.DF_1_NOW | elf.DF_1_PIE; err != nil || len(flags) != 1 || elf.DynFlag1(flags[0])&want != want {
		t.Errorf("not PIE and NOW: flags %v, %v", flags, err)
	}
	relro := false
	for _, p := range f.Progs {
		relro = relro || p.Type == elf.PT_GNU_RELRO
		if p.Type == elf.PT_GNU_STACK && p.Flags&elf.PF_X != 0 || p.Type == elf.PT_LOAD && p.Flags&(elf.PF_W|elf.PF_X) == elf.PF_W|elf.PF_X {
			t.Errorf("%s can be written and executed", p.Type)
		}
	}
	if !relro {
		t.Error("no RELRO")
	}
}

// The tests' binary must have the build flags of the shipped one.
func TestEveryRecipeHardens(t *testing.T) {
	for _, name := range []string{"../Makefile", "package.sh", "Dockerfile", "../test/harness/build.go"} {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, flag := range []string{"-buildmode=pie", "-bindnow"} {
			if !strings.Contains(string(text), flag) {
				t.Errorf("%s builds without %s", name, flag)
			}
		}
	}
}
