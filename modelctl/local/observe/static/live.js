// Keeps the page as the engine is, by one stream of server-sent events, and finds models.
// Only what has changed is touched: focus, selection, scrolling and what is folded out stay.
// Without JavaScript the page reloads itself, and the search is the server's.
"use strict";

const RETRY_MS = 3000; // after the stream has broken off
const SILENT_MS = 30000; // the engine says something every 10 s
const main = document.getElementById("main");
const stale = document.getElementById("stale");
const search = document.getElementById("search");
let stream = null;
let heard = 0;

function isElement(node) {
  return node.nodeType === Node.ELEMENT_NODE;
}

function keyOf(node) {
  return isElement(node) ? node.dataset.key || "" : "";
}

function onlyText(from, to) {
  for (let node = from; node !== to; node = node.nextSibling) {
    if (isElement(node)) return false;
  }
  return true;
}

function gone(node) {
  const next = node.nextSibling;
  node.remove();
  return next;
}

function alike(one, other) {
  return one.nodeName === other.nodeName && keyOf(one) === keyOf(other);
}

function morphAttributes(now, wanted) {
  for (const { name, value } of [...wanted.attributes]) {
    if (now.getAttribute(name) !== value) now.setAttribute(name, value);
  }
  for (const { name } of [...now.attributes]) {
    const isPersons = name === "hidden" || name === "open"; // set here, not by the server
    if (!isPersons && !wanted.hasAttribute(name)) now.removeAttribute(name);
  }
}

function morph(now, wanted) {
  if (now.isEqualNode(wanted)) return;
  if (!isElement(now)) {
    now.nodeValue = wanted.nodeValue;
    return;
  }
  morphAttributes(now, wanted);
  const kept = new Set([...wanted.childNodes].map(keyOf));
  for (const child of [...now.children]) {
    if (keyOf(child) && !kept.has(keyOf(child))) child.remove();
  }
  let place = now.firstChild;
  for (const child of [...wanted.childNodes]) {
    let found = place;
    while (found && !alike(found, child)) found = found.nextSibling;
    if (found && !keyOf(child) && isElement(child) && onlyText(place, found)) {
      while (place !== found) place = gone(place); // the space before it differs, no more
    }
    if (!found || (!keyOf(child) && found !== place)) {
      now.insertBefore(child, place);
      continue;
    }
    if (found === place) place = place.nextSibling;
    else now.insertBefore(found, place);
    morph(found, child);
  }
  while (place) place = gone(place);
}

function show(html) {
  const wanted = document.createElement("main");
  wanted.innerHTML = html;
  const log = main.querySelector(".log");
  const atEnd = !log || log.scrollTop + log.clientHeight >= log.scrollHeight - 4;
  const now = main.cloneNode(false);
  for (const { name, value } of [...now.attributes]) wanted.setAttribute(name, value);
  if (String(document.getSelection())) return; // somebody is about to copy
  const focused = document.activeElement;
  morph(main, wanted);
  if (focused.isConnected && focused !== document.activeElement) {
    focused.focus({ preventScroll: true }); // what is moved loses it
  }
  if (atEnd) toEnd();
  find();
}

function toEnd() {
  const log = main.querySelector(".log");
  if (log) log.scrollTop = log.scrollHeight;
}

function follow() {
  stop();
  heard = Date.now();
  stream = new EventSource(main.dataset.live);
  stream.onopen = () => {
    heard = Date.now();
    stale.hidden = true;
  };
  stream.onmessage = (event) => {
    heard = Date.now();
    stale.hidden = true;
    show(JSON.parse(event.data));
  };
  stream.addEventListener("here", () => {
    heard = Date.now();
  });
  stream.onerror = () => {
    stale.hidden = false;
    if (stream && stream.readyState === EventSource.CLOSED) again();
  };
}

function stop() {
  if (stream) stream.close();
  stream = null;
}

function again() {
  stop();
  setTimeout(() => document.hidden || stream || follow(), RETRY_MS);
}

function find() {
  if (!search) return;
  const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
  const models = [...main.querySelectorAll("tbody[data-search]")];
  let count = 0;
  for (const model of models) {
    const fits = words.every((word) => model.dataset.search.includes(word));
    model.hidden = !fits;
    count += fits;
  }
  const nothing = document.getElementById("nothing");
  if (nothing) nothing.hidden = count > 0;
  const told = words.length ? `${count} of ${models.length} models` : "";
  const found = document.getElementById("found");
  if (found.textContent !== told) found.textContent = told;
}

function copy(button) {
  const text = document.getElementById(button.dataset.copy).textContent;
  navigator.clipboard.writeText(text).then(() => {
    button.dataset.done = "true";
    setTimeout(() => delete button.dataset.done, 1500);
  });
}

if (search) {
  search.addEventListener("input", find);
  search.form.addEventListener("submit", (event) => {
    event.preventDefault();
    const first = main.querySelector("tbody[data-search]:not([hidden]) a");
    if (first && search.value) first.click();
  });
  find();
}
document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-copy]");
  if (button) copy(button);
});
document.addEventListener("keydown", (event) => {
  const isTyping = /^(INPUT|TEXTAREA|SELECT)$/.test(event.target.nodeName);
  if (event.key === "/" && search && !isTyping && !event.ctrlKey && !event.metaKey) {
    event.preventDefault();
    search.focus();
    search.select();
  } else if (event.key === "Escape" && event.target === search) {
    search.value = "";
    find();
    search.blur();
  }
});
// A browser opens six connections to a host: a page that nobody looks at must not keep one.
document.addEventListener("visibilitychange", () => (document.hidden ? stop() : follow()));
addEventListener("pagehide", stop);
addEventListener("pageshow", () => document.hidden || follow());
setInterval(() => stream && Date.now() - heard > SILENT_MS && follow(), 5000);
toEnd();
