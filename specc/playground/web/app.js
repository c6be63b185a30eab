// The playground: the editor, the checker, and what is shown of its answers.

import { Checker } from "./checker.js";
import { Editor } from "./editor.js";
import { markdown } from "./markdown.js";
import { Panes } from "./panes.js";
import { packed, remember, remembered, unpacked } from "./share.js";

const PAUSE = 30; // milliseconds without a key, before a check begins
const id = (name) => document.getElementById(name);
const state = (words, kind = "") => Object.assign(id("state"), { textContent: words, className: kind });

const examples = await fetch("examples.json").then((answer) => answer.json());
const linked = await unpacked(location.hash);
const kept = remembered();
const text = linked ?? kept ?? Object.values(examples)[0];
const choosable = new Map(Object.entries(examples));
if (linked !== null && kept !== null && kept !== linked) choosable.set("what I had before", kept);

let variant = "";
let timer = null;
let isChecking = false;
let isStale = false; // the text has changed since the check that is going on began

const checker = new Checker((what, why) => {
  document.documentElement.dataset.checker = what;
  if (what === "broken") state(`The checker cannot be loaded: ${why}`, "error");
});
const editor = new Editor(id("editor"), text, { checker, changed, explain, format });
const panes = new Panes(editor, explain, fill);

// ---- checks: one at a time, and the newest text next

function changed() {
  if (location.hash) history.replaceState(null, "", location.pathname + location.search); // it is another text now
  remember(editor.text);
  if (choosable.get(id("examples").value) !== editor.text) id("examples").value = "";
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
    else state("A text with syntax errors is not formatted.", "warning");
  } catch (failure) {
    state(failure.message, "error");
  }
}

async function repair() {
  try {
    editor.apply(await checker.ask("fix_all", editor.text));
  } catch (failure) {
    state(failure.message, "error");
  }
}

async function link() {
  history.replaceState(null, "", await packed(editor.text));
  await panes.copy(location.href, id("link"), "It is the address now");
}

async function explain(code) {
  const page = await checker.ask("explain", code).catch((failure) => failure.message);
  id("page").querySelector("article").replaceChildren(markdown(page || `There is no page about ${code}.`));
  id("page").showModal();
  id("page").scrollTop = 0;
}

id("examples").append(new Option("…", ""), ...[...choosable.keys()].map((name) => new Option(name, name)));
id("examples").value = [...choosable].find(([, one]) => one === text)?.[0] ?? "";
id("examples").addEventListener("change", ({ target }) => {
  if (choosable.has(target.value)) {
    variant = "";
    editor.text = choosable.get(target.value);
  }
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
  if (other !== null) editor.text = other;
});
if (linked === null && location.hash.startsWith("#cnn=")) state("The address holds no text that can be read.", "warning");

check();
