// A server of Node: https, http2 or plain tls. Words: kind, address, port, chain, key, then options as JSON.
const fs = require("fs");
const [kind, address, port, chain, key, given] = process.argv.slice(2);
const options = { cert: fs.readFileSync(chain), key: fs.readFileSync(key), ...JSON.parse(given || "{}") };
if (options.ca) options.ca = fs.readFileSync(options.ca);
const ok = (request, response) => response.end("ok\n");
const servers = {
  https: () => require("https").createServer(options, ok),
  http2: () => require("http2").createSecureServer(options, ok),
  tls: () => require("tls").createServer(options, (one) => one.on("error", () => {}).pipe(one)),
};
servers[kind]().on("tlsClientError", () => {}).listen(Number(port), address);
