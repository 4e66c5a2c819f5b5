package harness

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// jars returns the class path of Apache Kafka, fetching it with Maven when test/kafka/pom.xml has
// changed since the last time. Test packages run side by side: a file lock lets one fetch.
func jars(ctx context.Context) (string, error) {
	root, err := Root()
	if err != nil {
		return "", err
	}
	folder := filepath.Join(root, "test", "kafka")
	cache := filepath.Join(folder, ".cache")
	if err := os.MkdirAll(cache, 0o755); err != nil {
		return "", err
	}
	unlock, err := LockFile(filepath.Join(cache, "lock"))
	if err != nil {
		return "", err
	}
	defer unlock()
	pom, err := os.ReadFile(filepath.Join(folder, "pom.xml"))
	if err != nil {
		return "", err
	}
	stamp := filepath.Join(cache, "pom.xml.fetched")
	classpath := filepath.Join(cache, "libs", "*")
	if fetched, err := os.ReadFile(stamp); err == nil && bytes.Equal(fetched, pom) {
		return classpath, nil
	}
	if err := fetchJars(ctx, folder, filepath.Dir(classpath)); err != nil {
		return "", err
	}
	return classpath, os.WriteFile(stamp, pom, 0o600)
}

func fetchJars(ctx context.Context, folder, libs string) error {
	mvn, err := exec.LookPath("mvn")
	if err != nil {
		return fmt.Errorf("mvn is needed to fetch the jars of Apache Kafka (Debian: apt-get install maven): %w", err)
	}
	if err := os.RemoveAll(libs); err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, mvn, "-q", "-B", "dependency:copy-dependencies", "-DoutputDirectory="+libs)
	cmd.Dir = folder
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("mvn could not fetch Apache Kafka's jars: %w\n%s", err, out)
	}
	return nil
}
