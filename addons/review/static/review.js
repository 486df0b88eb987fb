// Live updates and two keys; everything works without them.
"use strict";

const main = document.getElementById("main");
const live = document.getElementById("live");

// Pages with a form that somebody may be filling in are not replaced under his hands.
const replaceable = () => !main.querySelector("form.decision");

async function refresh() {
  if (!replaceable()) {
    live.textContent = "Something has changed since this page was loaded.";
    return;
  }
  const answer = await fetch(location.href, { headers: { accept: "text/html" } });
  if (!answer.ok || answer.redirected) return;
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  const focused = document.activeElement?.getAttribute("href");
  main.replaceChildren(...fresh.getElementById("main").childNodes);
  if (focused) main.querySelector(`a[href="${CSS.escape(focused)}"]`)?.focus();
  const count = main.querySelector(".count");
  live.textContent = count ? `${main.querySelector("h1").textContent.trim()}` : "Updated.";
}

new EventSource("/live").addEventListener("changed", refresh);

document.addEventListener("keydown", (event) => {
  if (event.target.closest("input, textarea, select") || event.ctrlKey || event.metaKey || event.altKey) return;
  const step = { j: 1, k: -1 }[event.key];
  if (!step) return;
  const rows = [...main.querySelectorAll("a.row")];
  if (!rows.length) return;
  const at = rows.indexOf(document.activeElement);
  rows[Math.min(Math.max(at + step, 0), rows.length - 1)].focus();
  event.preventDefault();
});
