// Asks for the page again, and puts in what has changed: a section that is the same keeps what is open and scrolled in it.
const EACH = 1500; // milliseconds
const HEAD = ["header", "nav"];
let tag = "";
let shown = new Map();

const parts = (page) => new Map([
  ...HEAD.map((name) => [name, page.querySelector(name)]),
  ...[...page.querySelectorAll("main > section")].map((one) => [`#${one.id}`, one]),
]);

function put(fresh) {
  document.title = fresh.title;
  const next = parts(fresh);
  const ids = (map) => [...map.keys()].join();
  if (ids(next) !== ids(parts(document))) { // such as when the first epoch ends, or a run begins
    for (const name of [...HEAD, "main"]) document.querySelector(name).replaceWith(fresh.querySelector(name));
  } else {
    for (const [name, part] of next) {
      if (shown.get(name) === part.outerHTML) continue;
      const old = document.querySelector(name);
      const open = [...old.querySelectorAll("details")].map((one) => one.open);
      const places = [...old.querySelectorAll(".scroll, pre")].map((one) => [one.scrollLeft, one.scrollTop]);
      const focused = [...old.querySelectorAll("a, summary, [tabindex]")].indexOf(document.activeElement);
      old.replaceWith(part);
      part.querySelectorAll("details").forEach((one, i) => { one.open = open[i] ?? one.open; });
      part.querySelectorAll(".scroll, pre").forEach((one, i) => { [one.scrollLeft, one.scrollTop] = places[i] ?? [0, 0]; });
      if (focused >= 0) part.querySelectorAll("a, summary, [tabindex]")[focused]?.focus({ preventScroll: true });
    }
  }
  remember(next);
}

function remember(map) {
  shown = new Map([...map].map(([name, part]) => [name, part.outerHTML]));
}

function say(words) {
  const place = document.getElementById("link");
  if (place.textContent !== words) place.textContent = words;
}

async function ask() {
  try {
    const answer = await fetch("/", { headers: { "If-None-Match": tag }, cache: "no-store" });
    if (answer.status === 200) {
      put(new DOMParser().parseFromString(await answer.text(), "text/html"));
      tag = answer.headers.get("ETag");
    } else if (answer.status !== 304) {
      throw new Error(answer.statusText);
    }
    say("");
  } catch {
    say("specc watch no longer answers: what you see is the last that it told. Start it again to go on.");
  }
  setTimeout(ask, EACH);
}

remember(parts(document));
setTimeout(ask, EACH);
