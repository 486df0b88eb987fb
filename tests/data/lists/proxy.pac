function FindProxyForURL(url, host) {
  // what stays on the proxy
  if (host == "login.bank.example" || dnsDomainIs(host, ".pay.bank.example"))
    return "PROXY proxy.example:8080";
  if (dnsDomainIs(host, ".bank.example") || isInNet(dnsResolve(host), "10.0.0.0", "255.0.0.0")) {
    return "DIRECT";
  } else if (shExpMatch(url, "*://a.example/*")) {
    return "DIRECT";
  }
  return "PROXY proxy.example:8080";
}
