// Replaces the page's content every two seconds with what the server renders now. Without
// JavaScript the page reloads itself instead.
"use strict";
const PERIOD_MS = 2000;

async function refresh() {
  const stale = document.getElementById("stale");
  try {
    const answer = await fetch(location.href, { cache: "no-store" });
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const fresh = page.getElementById("main");
    const selection = String(document.getSelection());
    if (fresh && !selection) {
      document.getElementById("main").replaceWith(fresh);
    }
    stale.hidden = true;
  } catch {
    stale.hidden = false;
  }
}

setInterval(() => document.hidden || refresh(), PERIOD_MS);
document.addEventListener("visibilitychange", () => document.hidden || refresh());
