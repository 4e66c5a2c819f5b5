// Package kafka tests what only a real Apache Kafka can show: groups that several proxies share,
// sessions that time out, slow handlers. Its tests need the build tag kafka, Java 17 and Maven:
//
//	go test -tags kafka ./test/kafka
//
// pom.xml names the one version of Apache Kafka that all tests use; its jars are kept in .cache.
package kafka
