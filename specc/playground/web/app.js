// The playground: the editor, the checker, and what is shown of its answers.

import { Checker } from "./checker.js";
import { Editor } from "./editor.js";
import { markdown } from "./markdown.js";
import { Panes } from "./panes.js";
import { Memory, packed, unpacked } from "./share.js";

const PAUSE = 30; // milliseconds without a key, before a check begins
const id = (name) => document.getElementById(name);
const state = (words, kind = "") => Object.assign(id("state"), { textContent: words, className: kind });

const DAMAGED = "The link in the address is damaged: it holds no text that can be read. Copy it again, to its last character.";

// What lasts until the text changes; no check replaces it.
const notice = (words) => Object.assign(id("notice"), { textContent: words, hidden: !words });

state("Loading the checker…");
const examples = await fetch("examples.json").then((answer) => (answer.ok ? answer.json() : null)).catch(() => null);
const memory = new Memory();
const linked = await unpacked(location.hash);
const text = linked ?? memory.text ?? memory.earlier()[0]?.text ?? Object.values(examples ?? {})[0] ?? "";
if (text !== memory.text) memory.begin();
memory.keep(text, false);

let variant = "";
let timer = null;
let isChecking = false;
let isOpening = false; // a text is being opened, not typed
let isStale = false; // the text has changed since the check that is going on began

const checker = new Checker((what, why) => {
  document.documentElement.dataset.checker = what;
  if (what === "broken") state(why, "error");
});
const editor = new Editor(id("editor"), text, { checker, changed, explain, format });
const panes = new Panes(editor, explain, fill);

// ---- checks: one at a time, and the newest text next

function changed() {
  if (location.hash) history.replaceState(null, "", location.pathname + location.search); // it is another text now
  notice("");
  memory.keep(editor.text, !isOpening);
  if (id("examples").value && texts.get(id("examples").value) !== editor.text) id("examples").value = "";
  clearTimeout(timer);
  timer = setTimeout(check, PAUSE);
}

async function check() {
  isStale = isChecking;
  if (isChecking) return;
  isChecking = true;
  try {
    const answer = await checker.ask("check", editor.send(), variant);
    editor.show(answer);
    panes.problems(answer.problems);
    choices(answer);
    state(...verdict(answer));
    id("repair").hidden = answer.problems.filter((one) => one.fix).length < 2;
    if (!isStale) await fill(panes.chosen);
  } catch (failure) {
    state(failure.message, "error");
    editor.forget();
    panes.failed(failure.message);
  }
  document.documentElement.dataset.checked = Number(document.documentElement.dataset.checked ?? 0) + 1;
  isChecking = false;
  if (isStale) check();
}

async function fill(name) {
  if (name === "problems" || !checker.isReady) return;
  try {
    panes.fill(name, await checker.ask("pane", name));
  } catch (failure) {
    state(failure.message, "error");
  }
}

function verdict({ problems, summary }) {
  const counts = ["error", "warning"].map((kind) => [problems.filter((one) => one.severity === kind).length, kind]);
  const words = counts.filter(([count]) => count).map(([count, kind]) => `${count} ${kind}${count > 1 ? "s" : ""}`);
  const kind = counts.find(([count]) => count)?.[1] ?? "fine";
  return [[words.join(", ") || "No problems", counts[0][0] ? "" : summary].filter(Boolean).join(" · "), kind];
}

function choices({ variants, variant: shown }) {
  id("choice").hidden = !variants.length;
  const options = [new Option("as written", ""), ...variants.map((name) => new Option(name, name))];
  id("variants").replaceChildren(...options);
  id("variants").value = shown;
  if (variant !== shown && variants.length) variant = shown;
}

// ---- what one can do

async function format() {
  try {
    const changes = await checker.ask("format", editor.text);
    if (changes) editor.apply(changes);
    else notice("A text with syntax errors is not formatted.");
  } catch (failure) {
    notice(failure.message);
  }
}

async function repair() {
  try {
    editor.apply(await checker.ask("fix_all", editor.text));
  } catch (failure) {
    notice(failure.message);
  }
}

async function link() {
  history.replaceState(null, "", await packed(editor.text));
  await panes.copy(location.href, id("link"), "It is in the address bar");
}

async function explain(code) {
  const page = await checker.ask("explain", code).catch((failure) => failure.message);
  id("page").querySelector("article").replaceChildren(markdown(page || `There is no page about ${code}.`));
  id("page").showModal();
  id("page").scrollTop = 0;
}

function open(other) {
  variant = "";
  memory.begin();
  isOpening = true;
  editor.text = other;
  isOpening = false;
  offer();
}

const texts = new Map(); // that can be chosen, by the values of their options

// Offer the examples, and what was typed before.
function offer() {
  const group = (label, options) => Object.assign(document.createElement("optgroup"), { label, hidden: !options.length });
  const option = (value, label, one) => (texts.set(value, one), new Option(label, value));
  texts.clear();
  const shown = Object.entries(examples ?? {}).map(([name, one]) => option(name, name, one));
  const known = new Set(texts.values());
  const before = memory.earlier().filter((one) => !known.has(one.text)).map((one) => option(one.key, name(one), one.text));
  const groups = [group("Examples", shown), group("What I had before", before)];
  groups.forEach((one, place) => one.append(...[shown, before][place]));
  id("examples").replaceChildren(new Option(examples ? "…" : "examples.json cannot be loaded", ""), ...groups);
  id("examples").value = [...texts].find(([, one]) => one === editor.text)?.[0] ?? "";
}

// A draft, as it is offered.
function name({ text: one, time }) {
  const words = one.match(/^\s*network\s+(\w+)/m)?.[1] ?? one.trim().split("\n")[0] ?? "";
  return `${words.slice(0, 30) || "empty"}, ${new Date(time).toLocaleString("en", { dateStyle: "medium", timeStyle: "short" })}`;
}

offer();
addEventListener("focus", offer); // another tab may have drafts by now
id("examples").addEventListener("change", ({ target }) => {
  if (texts.has(target.value)) open(texts.get(target.value));
});
id("variants").addEventListener("change", ({ target }) => {
  variant = target.value;
  check();
});
id("format").addEventListener("click", format);
id("repair").addEventListener("click", repair);
id("link").addEventListener("click", link);
addEventListener("hashchange", async () => {
  const other = await unpacked(location.hash);
  if (other !== null && other !== editor.text) open(other);
  else if (other === null && location.hash.startsWith("#cnn=")) notice(DAMAGED);
});
if (linked === null && location.hash.startsWith("#cnn=")) notice(DAMAGED);

check();
