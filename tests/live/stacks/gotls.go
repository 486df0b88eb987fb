// A server of Go's crypto/tls. Words: address:port, chain, key, then settings.
package main

import (
	"crypto/tls"
	"crypto/x509"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
)

func main() {
	pair, err := tls.LoadX509KeyPair(os.Args[2], os.Args[3])
	check(err)
	config := &tls.Config{Certificates: []tls.Certificate{pair}, NextProtos: []string{"h2", "http/1.1"}}
	serving := true
	for _, word := range os.Args[4:] {
		name, value, _ := strings.Cut(word, "=")
		switch name {
		case "tls12":
			config.MaxVersion = tls.VersionTLS12
		case "tls13":
			config.MinVersion = tls.VersionTLS13
		case "alpn":
			config.NextProtos = strings.Split(value, ",")
		case "optional":
			pem, err := os.ReadFile(value)
			check(err)
			config.ClientCAs = x509.NewCertPool()
			config.ClientCAs.AppendCertsFromPEM(pem)
			config.ClientAuth = tls.VerifyClientCertIfGiven
		case "echo":
			config.NextProtos, serving = nil, false
		}
	}
	listener, err := net.Listen("tcp", os.Args[1])
	check(err)
	if serving {
		server := &http.Server{TLSConfig: config, Handler: http.HandlerFunc(ok)}
		if strings.Join(config.NextProtos, "") == "http/1.1" {
			server.TLSNextProto = map[string]func(*http.Server, *tls.Conn, http.Handler){}
		}
		check(server.ServeTLS(listener, "", ""))
	}
	for {
		one, err := tls.NewListener(listener, config).Accept()
		check(err)
		go func() { _, _ = io.Copy(one, one); _ = one.Close() }()
	}
}

func ok(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "ok\n") }

func check(err error) {
	if err != nil {
		panic(err)
	}
}
