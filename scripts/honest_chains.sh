#!/bin/sh
# Honest chains of one host, each made by a real program that people run a private CA with: FOLDER/PROGRAM/HOST.pem, leaf
# first. `make_honest_shapes.py` keeps their shapes. What is not installed is left out and said.
#
#   sh scripts/honest_chains.sh FOLDER     (Debian: golang-cfssl easy-rsa mkcert minica gnutls-bin
#                                           strongswan-pki libnss3-tools sscg ssl-cert golang-go default-jdk-headless;
#                                           PyPI: trustme; npm, beside FOLDER: node-forge mkcert selfsigned
#                                           office-addin-dev-certs @vitejs/plugin-basic-ssl)
set -eu
mkdir -p "$1"
out=$(cd "$1" && pwd)
host=vpn.corp.example
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

keep() { # program, then leaf and what is above it
    name=$1
    shift
    if [ -s "$1" ]; then
        mkdir -p "$out/$name"
        cat "$@" > "$out/$name/$host.pem"
    else
        echo "left out: $name" >&2
    fi
}
has() { command -v "$1" > /dev/null 2>&1 || { echo "left out: $1 is not installed" >&2; return 1; }; }

quietly() { "$@" > /dev/null 2>&1 || true; }

# OpenSSL, with the extensions that guides tell people to write; both kinds of keys, all usual lifetimes.
quietly openssl req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.crt -days 3650 -subj "/C=DE/O=Corp AG/CN=Corp Root CA"
quietly openssl req -newkey rsa:2048 -nodes -keyout rsa.key -out rsa.csr -subj "/C=DE/O=Corp AG/CN=$host"
quietly openssl req -new -key ca.key -out lazy.csr -subj "/CN=$host"
quietly openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout ec.key -out ec.csr -subj "/CN=$host"
number=0
while IFS= read -r line; do
    number=$((number + 1))
    printf '%s\n' "$line" | tr ';' '\n' | sed "s/HOST/$host/g" > extensions
    for key in rsa ec; do
        for days in 90 365 397 730 825 1095 3650; do
            quietly openssl x509 -req -in $key.csr -CA ca.crt -CAkey ca.key -CAcreateserial -days $days -extfile extensions -out leaf
            keep "openssl-x509-$number-$key-$days" leaf ca.crt
        done
        # Serial numbers as older versions and careful people have them; the root sent twice.
        quietly openssl x509 -req -in $key.csr -CA ca.crt -CAkey ca.key -set_serial 0x1234 -days 365 -extfile extensions -out leaf
        keep "openssl-x509-$number-$key-counter" leaf ca.crt ca.crt
        quietly openssl x509 -req -in $key.csr -CA ca.crt -CAkey ca.key -set_serial "0x$(openssl rand -hex 8)" -days 365 \
            -extfile extensions -out leaf
        keep "openssl-x509-$number-$key-short-serial" leaf ca.crt
    done
    # One key for the CA and the server. The two orders that no guide has are mitmproxy's and Squid's own.
    case $number in 5 | 10) continue ;; esac
    for days in 90 365 825; do
        quietly openssl x509 -req -in lazy.csr -CA ca.crt -CAkey ca.key -CAcreateserial -days $days -extfile extensions -out leaf
        keep "openssl-x509-$number-one-key-$days" leaf ca.crt
    done
    quietly openssl x509 -req -in lazy.csr -CA ca.crt -CAkey ca.key -set_serial "0x$(openssl rand -hex 8)" -days 365 \
        -extfile extensions -out leaf
    keep "openssl-x509-$number-one-key-short-serial" leaf ca.crt
done << 'EXTENSIONS'
subjectAltName=DNS:HOST
subjectAltName=DNS:HOST,DNS:*.HOST
subjectAltName=DNS:HOST,DNS:www.HOST
extendedKeyUsage=serverAuth;subjectAltName=DNS:HOST
extendedKeyUsage=serverAuth;subjectAltName=DNS:HOST;authorityKeyIdentifier=keyid
basicConstraints=CA:FALSE;subjectAltName=DNS:HOST
basicConstraints=CA:FALSE;keyUsage=digitalSignature,keyEncipherment;extendedKeyUsage=serverAuth,clientAuth;subjectAltName=DNS:HOST;authorityKeyIdentifier=keyid
authorityKeyIdentifier=keyid,issuer;basicConstraints=CA:FALSE;keyUsage=digitalSignature,nonRepudiation,keyEncipherment,dataEncipherment;subjectAltName=DNS:HOST
subjectKeyIdentifier=hash;authorityKeyIdentifier=keyid,issuer:always;basicConstraints=critical,CA:FALSE;keyUsage=digitalSignature,keyEncipherment;extendedKeyUsage=serverAuth,clientAuth;subjectAltName=DNS:HOST
subjectAltName=DNS:HOST;keyUsage=critical,digitalSignature,keyEncipherment;extendedKeyUsage=serverAuth;basicConstraints=critical,CA:FALSE;authorityKeyIdentifier=keyid
subjectAltName=DNS:HOST;subjectKeyIdentifier=hash;authorityKeyIdentifier=keyid
basicConstraints=CA:FALSE;nsComment="OpenSSL Generated Certificate";subjectKeyIdentifier=hash;authorityKeyIdentifier=keyid,issuer;subjectAltName=DNS:HOST
basicConstraints=CA:FALSE;nsCertType=server;nsComment="OpenSSL Generated Server Certificate";subjectKeyIdentifier=hash;authorityKeyIdentifier=keyid,issuer:always;keyUsage=critical,digitalSignature,keyEncipherment;extendedKeyUsage=serverAuth;subjectAltName=DNS:HOST
basicConstraints=critical,CA:FALSE;keyUsage=critical,digitalSignature,keyEncipherment;extendedKeyUsage=serverAuth;subjectAltName=DNS:HOST;certificatePolicies=2.23.140.1.2.1;authorityKeyIdentifier=keyid
EXTENSIONS
mkdir -p demoCA/newcerts
: > demoCA/index.txt
echo 1000 > demoCA/serial
quietly openssl ca -batch -policy policy_anything -in rsa.csr -cert ca.crt -keyfile ca.key -out leaf.ca -days 365 -notext
keep openssl-ca leaf.ca ca.crt
quietly openssl req -x509 -newkey rsa:2048 -nodes -keyout k -subj "/CN=$host" -addext "subjectAltName=DNS:$host" -out self
keep openssl-self-signed self

if has cfssl; then
    echo '{"CN":"Corp CA","key":{"algo":"rsa","size":2048},"names":[{"O":"Corp AG"}]}' > ca.json
    echo "{\"CN\":\"$host\",\"hosts\":[\"$host\"],\"key\":{\"algo\":\"ecdsa\",\"size\":256}}" > leaf.json
    echo '{"signing":{"default":{"usages":["signing","key encipherment","server auth","client auth"],"expiry":"8760h"}}}' > profile
    cfssl gencert -initca ca.json 2> /dev/null | cfssljson -bare cfssl-ca
    cfssl gencert -ca cfssl-ca.pem -ca-key cfssl-ca-key.pem leaf.json 2> /dev/null | cfssljson -bare one
    cfssl gencert -ca cfssl-ca.pem -ca-key cfssl-ca-key.pem -config profile leaf.json 2> /dev/null | cfssljson -bare two
    cfssl selfsign "$host" leaf.json 2> /dev/null | cfssljson -bare three || true
    keep cfssl one.pem cfssl-ca.pem
    keep cfssl-profile two.pem cfssl-ca.pem
    keep cfssl-self-signed three.pem
fi
if [ -x /usr/share/easy-rsa/easyrsa ]; then
    export EASYRSA_BATCH=1
    quietly /usr/share/easy-rsa/easyrsa init-pki
    EASYRSA_REQ_CN="Corp CA" quietly /usr/share/easy-rsa/easyrsa build-ca nopass
    quietly /usr/share/easy-rsa/easyrsa "--subject-alt-name=DNS:$host" build-server-full "$host" nopass
    quietly openssl x509 -in "pki/issued/$host.crt" -out easy
    keep easy-rsa easy pki/ca.crt
fi
if has mkcert; then
    CAROOT=$work quietly mkcert -cert-file m1 -key-file k "$host"
    CAROOT=$work quietly mkcert -ecdsa -cert-file m2 -key-file k "$host" "*.$host"
    keep mkcert m1 rootCA.pem
    keep mkcert-ecdsa m2 rootCA.pem
fi
if has minica; then
    quietly minica -ca-common-name "Corp CA" "$host"
    keep minica "$host.crt" cacert.crt
fi
if has sscg; then
    quietly sscg --hostname "$host" --ca-file sscg-ca --cert-file sscg-leaf --cert-key-file sscg-key
    keep sscg sscg-leaf sscg-ca
fi
if has certtool; then
    quietly certtool --generate-privkey --outfile g.key
    printf 'cn="Corp CA"\nca\ncert_signing_key\nexpiration_days=3650\n' > g.ca
    quietly certtool --generate-self-signed --load-privkey g.key --template g.ca --outfile g.pem
    printf 'cn="%s"\ndns_name="%s"\ntls_www_server\nsigning_key\nencryption_key\nexpiration_days=365\n' $host $host > g.leaf
    quietly certtool --generate-privkey --outfile h.key
    quietly certtool --generate-certificate --load-privkey h.key --load-ca-privkey g.key --load-ca-certificate g.pem \
        --template g.leaf --outfile h.pem
    keep gnutls h.pem g.pem
fi
if has pki; then
    pki --gen --outform pem > p.key 2> /dev/null
    pki --self --ca --in p.key --dn "C=CH, O=Corp, CN=Corp CA" --outform pem > p.pem 2> /dev/null
    pki --gen --outform pem > q.key 2> /dev/null
    pki --pub --in q.key 2> /dev/null | pki --issue --cacert p.pem --cakey p.key --dn "C=CH, O=Corp, CN=$host" --san "$host" \
        --flag serverAuth --outform pem > q.pem 2> /dev/null
    keep strongswan q.pem p.pem
fi
if has certutil; then
    mkdir nss
    head -c 64 /dev/urandom > noise
    quietly certutil -N -d nss --empty-password
    printf 'y\n-1\ny\n' | quietly certutil -S -d nss -n ca -s "CN=Corp CA" -x -t CT,, -z noise -v 120 -2
    quietly certutil -S -d nss -n leaf -s "CN=$host" -c ca -t ,, -z noise -8 "$host" -v 12
    certutil -L -d nss -n leaf -a > n.pem 2> /dev/null || true
    certutil -L -d nss -n ca -a > o.pem 2> /dev/null || true
    keep nss n.pem o.pem
fi
if has keytool; then
    store="-keystore ks -storepass changeit"
    quietly keytool -genkeypair -alias ca -keyalg RSA -dname "CN=Corp CA" -ext bc=ca:true $store -validity 3650
    quietly keytool -genkeypair -alias leaf -keyalg EC -dname "CN=$host" $store
    keytool -certreq -alias leaf $store 2> /dev/null | keytool -gencert -alias ca $store -rfc -ext "san=dns:$host" > j.pem 2> /dev/null
    keytool -exportcert -rfc -alias ca $store > i.pem 2> /dev/null
    keytool -exportcert -rfc -alias leaf $store > l.pem 2> /dev/null
    keep keytool j.pem i.pem
    keep keytool-self-signed l.pem
fi
if [ -s /etc/ssl/certs/ssl-cert-snakeoil.pem ]; then
    keep debian-snakeoil /etc/ssl/certs/ssl-cert-snakeoil.pem
fi
if python3 -c "import trustme" 2> /dev/null; then
    python3 - "$host" << 'PYTHON'
import sys
from pathlib import Path

import trustme

host = sys.argv[1]
for number, (kind, names) in enumerate(((trustme.KeyType.RSA, [host]), (trustme.KeyType.ECDSA, [host, f"*.{host}"]))):
    ca = trustme.CA(key_type=kind)
    leaf = ca.issue_cert(*names, common_name=host if number else None)
    Path(f"t{number}.pem").write_bytes(b"".join(part.bytes() for part in leaf.cert_chain_pems) + ca.cert_pem.bytes())
PYTHON
    keep trustme-rsa t0.pem
    keep trustme-ecdsa t1.pem
fi
if has go; then
    # The order of Go's library is that of Kubernetes, cert-manager, step-ca, Vault and Caddy.
    cat > order.go << 'GO'
package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"os"
	"time"
)

func main() {
	host := os.Args[1]
	caKey, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	now := time.Now()
	ca := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Corp CA"}, NotBefore: now,
		NotAfter: now.AddDate(10, 0, 0), IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}
	root, _ := x509.CreateCertificate(rand.Reader, ca, ca, &caKey.PublicKey, caKey)
	number := 0
	for _, constrained := range []bool{false, true} {
		for _, usage := range []x509.KeyUsage{x509.KeyUsageDigitalSignature, x509.KeyUsageDigitalSignature | x509.KeyUsageKeyEncipherment} {
			for _, days := range []int{1, 90, 365} {
				number++
				key, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
				limit := new(big.Int).Lsh(big.NewInt(1), 128)
				serial, _ := rand.Int(rand.Reader, limit)
				leaf := &x509.Certificate{SerialNumber: serial, Subject: pkix.Name{CommonName: host}, DNSNames: []string{host},
					NotBefore: now, NotAfter: now.AddDate(0, 0, days), KeyUsage: usage, BasicConstraintsValid: constrained,
					ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}, AuthorityKeyId: []byte{1, 2, 3, 4}}
				der, _ := x509.CreateCertificate(rand.Reader, leaf, ca, &key.PublicKey, caKey)
				file, _ := os.Create(fmt.Sprintf("go%d.pem", number))
				pem.Encode(file, &pem.Block{Type: "CERTIFICATE", Bytes: der})
				pem.Encode(file, &pem.Block{Type: "CERTIFICATE", Bytes: root})
			}
		}
	}
}
GO
    quietly go run order.go "$host"
    for file in go[0-9]*.pem; do
        keep "go-$(basename "$file" .pem)" "$file"
    done
fi
if has node && [ -d "$out/../node_modules" ]; then
    cat > "$out/../honest.mjs" << 'NODE'
import fs from "fs";
const [host, folder] = process.argv.slice(2);
const pem = (text) => text.match(/-----BEGIN CERTIFICATE-----[^]*?-----END CERTIFICATE-----/g).join("\n") + "\n";
const made = {
  "npm-mkcert": async () => {
    const { createCA, createCert } = await import("mkcert");
    const ca = await createCA({ organization: "Corp", countryCode: "DE", state: "B", locality: "B", validity: 365 });
    const leaf = await createCert({ ca: { key: ca.key, cert: ca.cert }, domains: [host], validity: 365 });
    return leaf.cert + "\n" + ca.cert;
  },
  "npm-selfsigned": async () => (await (await import("selfsigned")).default.generate([{ name: "commonName", value: host }])).cert,
  "npm-office-addin-dev-certs": async () => {
    const { generateCertificates } = (await import("office-addin-dev-certs/lib/generate.js")).default;
    await generateCertificates("ca.crt", "leaf.crt", "leaf.key", 30, [host]);
    return fs.readFileSync("leaf.crt", "utf8") + fs.readFileSync("ca.crt", "utf8");
  },
  "npm-vite-basic-ssl": async () => (await import("@vitejs/plugin-basic-ssl")).getCertificate("vite", host, [host]),
};
for (const [name, make] of Object.entries(made)) {
  try {
    fs.writeFileSync(`${folder}/${name}.pem`, pem(await make()));
  } catch (error) {
    console.error(`left out: ${name}: ${error.message}`);
  }
}
NODE
    node "$out/../honest.mjs" "$host" "$work" > /dev/null
    rm "$out/../honest.mjs"
    for file in npm-*.pem; do
        [ -e "$file" ] && keep "$(basename "$file" .pem)" "$file"
    done
fi
echo "$(ls "$out" | wc -l) chains in $out"
