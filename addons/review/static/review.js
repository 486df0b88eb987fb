// Live updates, keys, and times in the browser's own zone; everything works without them.
"use strict";

const main = document.getElementById("main");
const live = document.getElementById("live");
const keys = document.getElementById("keys");
const zone = document.getElementById("zone");

// Times: the page says UTC; who wants his own zone gets it, and keeps it.
const local = () => localStorage.getItem("zone") === "local";
function times() {
  for (const one of main.querySelectorAll("time.moment")) {
    one.dataset.utc ??= one.textContent;
    const at = new Date(one.dateTime);
    const written = at.toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" });
    one.textContent = local() ? written : one.dataset.utc;
    one.title = local() ? one.dataset.utc : written;
  }
  zone.textContent = local() ? `Times in ${Intl.DateTimeFormat().resolvedOptions().timeZone}` : "Times in UTC";
}
zone.hidden = false;
zone.addEventListener("click", () => {
  localStorage.setItem("zone", local() ? "utc" : "local");
  times();
});
times();

// Pages with a form that somebody may be filling in are not replaced under his hands.
const replaceable = () =>
  !main.querySelector("form[method=post]") && !main.contains(document.activeElement?.closest("form"));

async function refresh() {
  if (!replaceable()) {
    live.textContent = "Something has changed since this page was loaded.";
    return;
  }
  const answer = await fetch(location.href, { headers: { accept: "text/html" } });
  if (!answer.ok || answer.redirected) return;
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  const focused = document.activeElement?.getAttribute("href");
  const open = [...main.querySelectorAll("details")].map((one) => one.open);
  main.replaceChildren(...fresh.getElementById("main").childNodes);
  [...main.querySelectorAll("details")].forEach((one, n) => (one.open = open[n] ?? one.open));
  times();
  if (focused) main.querySelector(`a[href="${CSS.escape(focused)}"]`)?.focus();
  const counted = main.querySelector(".tiles") ?? main.querySelector("h1:has(.count)");
  live.textContent = counted ? `Updated. ${counted.textContent.replace(/\s+/g, " ").trim()}` : "Updated.";
}

new EventSource("/live").addEventListener("changed", refresh);

document.getElementById("keys-open").hidden = false;
document.getElementById("keys-open").addEventListener("click", () => keys.showModal());

const PLACES = Object.fromEntries(
  [...document.querySelectorAll("header nav a[data-key]")].map((one) => [one.dataset.key, one.getAttribute("href")]));
let going = false;

document.addEventListener("keydown", (event) => {
  if (event.target.closest("input, textarea, select, dialog") || event.ctrlKey || event.metaKey || event.altKey) return;
  const key = event.key;
  if (going && PLACES[key]) location.href = PLACES[key];
  going = key === "g";
  if (key === "?") keys.showModal();
  else if (key === "/") (main.querySelector("input.search") ?? document.getElementById("ask")).focus();
  else if (key === "h") document.getElementById("ask").focus();
  else if (key === "j" || key === "k") step(key === "j" ? 1 : -1);
  else return;
  event.preventDefault();
});

function step(by) {
  const rows = [...main.querySelectorAll("a.row")];
  if (!rows.length) return;
  const at = rows.indexOf(document.activeElement);
  rows[Math.min(Math.max(at + by, 0), rows.length - 1)].focus();
}
