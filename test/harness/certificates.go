package harness

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"
)

// Certificates are PEM files of an authority, of brokers at loopback, and of one client.
type Certificates struct {
	// CA is the certificate of the authority.
	CA string
	// ClientCertificate and ClientKey are those of the client CN=sluice, which the authority has signed.
	ClientCertificate, ClientKey string
	// StrangeCertificate and StrangeKey are those of a client that another authority has signed.
	StrangeCertificate, StrangeKey string

	broker string // key and certificate of all brokers
}

// authority signs certificates.
type authority struct {
	key         *ecdsa.PrivateKey
	certificate *x509.Certificate
	der         []byte
}

// makeCertificates writes fresh certificates into a folder.
func makeCertificates(dir string) (*Certificates, error) {
	trusted, err := newAuthority()
	if err != nil {
		return nil, err
	}
	strange, err := newAuthority()
	if err != nil {
		return nil, err
	}
	at := func(name string) string { return filepath.Join(dir, name) }
	c := &Certificates{
		CA: at("ca.pem"), ClientCertificate: at("client.pem"), ClientKey: at("client.key"),
		StrangeCertificate: at("strange.pem"), StrangeKey: at("strange.key"), broker: at("broker.pem"),
	}
	if err := writePEM(c.CA, block("CERTIFICATE", trusted.der)); err != nil {
		return nil, err
	}
	for _, one := range []struct {
		by                    *authority
		name, certificate, to string
	}{
		{trusted, "broker", c.broker, c.broker},
		{trusted, "sluice", c.ClientCertificate, c.ClientKey},
		{strange, "strange", c.StrangeCertificate, c.StrangeKey},
	} {
		if err := one.by.issue(one.name, one.certificate, one.to); err != nil {
			return nil, err
		}
	}
	return c, nil
}

func newAuthority() (*authority, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "authority"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return nil, err
	}
	certificate, err := x509.ParseCertificate(der)
	return &authority{key, certificate, der}, err
}

// issue writes a certificate and its key, into one file if both have the same name.
func (a *authority) issue(name, certificate, to string) error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: name}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
		DNSNames: []string{"localhost"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.certificate, &key.PublicKey, a.key)
	if err != nil {
		return err
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	if certificate == to {
		return writePEM(to, block("PRIVATE KEY", pkcs8), block("CERTIFICATE", der), block("CERTIFICATE", a.der))
	}
	if err := writePEM(certificate, block("CERTIFICATE", der)); err != nil {
		return err
	}
	return writePEM(to, block("PRIVATE KEY", pkcs8))
}

func block(kind string, der []byte) *pem.Block { return &pem.Block{Type: kind, Bytes: der} }

func writePEM(path string, blocks ...*pem.Block) error {
	var content []byte
	for _, b := range blocks {
		content = append(content, pem.EncodeToMemory(b)...)
	}
	return os.WriteFile(path, content, 0o600)
}
