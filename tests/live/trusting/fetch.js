// Fetches one address, in any runtime that has fetch.
const words = globalThis.Deno ? Deno.args : process.argv.slice(2);
await fetch(words[0]);
