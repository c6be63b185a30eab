// What stands beside the text: problems, the table of layers, the picture, the PyTorch source.

import { told } from "./editor.js";
import { element, inline } from "./markdown.js";

const NAMES = ["problems", "layers", "picture", "pytorch"];
const id = (name) => document.getElementById(name);

export class Panes {
  // shown: called with the name of a pane that is chosen
  constructor(editor, explain, shown) {
    Object.assign(this, { editor, explain, shown, chosen: "layers", last: {} });
    for (const name of NAMES) {
      id(`tab-${name}`).addEventListener("click", () => this.choose(name));
      id(`tab-${name}`).addEventListener("keydown", (event) => this.#key(event, name));
    }
    this.choose("layers");
  }

  choose(name) {
    this.chosen = name;
    for (const one of NAMES) {
      id(one).hidden = one !== name;
      id(`tab-${one}`).ariaSelected = one === name;
      id(`tab-${one}`).tabIndex = one === name ? 0 : -1;
    }
    id("old").hidden = true;
    this.shown(name);
  }

  #key(event, name) {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!step) return;
    event.preventDefault();
    const next = NAMES[(NAMES.indexOf(name) + step + NAMES.length) % NAMES.length];
    this.choose(next);
    id(`tab-${next}`).focus();
  }

  problems(problems) {
    id("count").textContent = problems.length || "";
    id("count").className = problems.some((one) => one.severity === "error") ? "error" : "warning";
    if (!problems.length) return id("problems").replaceChildren(element("p", { class: "quiet" }, "No problems."));
    const items = problems.map((one) => {
      const go = element("button", { class: "go", onclick: () => this.editor.go(one.from) }, `line ${one.line}`);
      const fix = one.fix && element("button", { class: "fix", onclick: () => this.editor.repair(one) }, ...inline(one.fix.title));
      return element("li", {}, go, told(one, this.explain, (place) => this.editor.go(place)), fix);
    });
    id("problems").replaceChildren(element("ul", {}, ...items));
  }

  // The text was not checked; the problems of the text before it are gone.
  failed(why) {
    id("count").textContent = "";
    id("problems").replaceChildren(element("p", { class: "quiet" }, why));
  }

  // content: null where the network has errors; then what was shown stays, marked as old
  fill(name, content) {
    if (name === "problems") return;
    const pane = id(name);
    const isEmpty = !(name in this.last);
    pane.classList.toggle("old", !content && !isEmpty);
    id("old").hidden = !!content || isEmpty;
    if (content && this.last[name] !== JSON.stringify(content)) {
      this.last[name] = JSON.stringify(content);
      const { scrollTop, scrollLeft } = pane;
      pane.replaceChildren(...this[`_${name}`](content));
      Object.assign(pane, { scrollTop, scrollLeft });
    } else if (!content && isEmpty) {
      pane.replaceChildren(element("p", { class: "quiet" }, "There is nothing to show until the network has no errors."));
    }
  }

  _layers({ headings, texts, rows, lines, totals, left_out: left }) {
    const kind = (column) => (column < texts ? null : "n");
    const head = element("tr", {}, ...headings.map((text, column) => element("th", { class: kind(column), scope: "col" }, text)));
    const body = rows.map((row, place) => {
      const line = lines[place];
      const [name, ...rest] = row;
      const go = line ? element("button", { class: "go", onclick: () => this.editor.goToLine(line), title: `line ${line}` }, name) : name;
      return element("tr", {}, element("td", {}, go), ...rest.map((text, column) => element("td", { class: kind(column + 1) }, text)));
    });
    const table = element("table", {}, element("thead", {}, head), element("tbody", {}, ...body));
    const more = left ? element("p", { class: "quiet" }, `${left.toLocaleString("en")} more layers are not shown.`) : null;
    return [element("p", { class: "quiet" }, totals), table, more].filter(Boolean);
  }

  _picture({ svg }) {
    if (!svg) return [element("p", { class: "quiet" }, "The network has too many layers for a picture.")];
    const drawn = new DOMParser().parseFromString(svg, "image/svg+xml").documentElement;
    return [document.importNode(drawn, true)];
  }

  _pytorch({ text }) {
    const source = element("pre", {}, text);
    const copy = element("button", { onclick: () => this.copy(text, copy, "Selected, but not copied", source) }, "Copy");
    return [copy, source];
  }

  // otherwise: what to say where the browser does not allow it, as over http. selected: what is selected then.
  async copy(text, button, otherwise, selected = null) {
    button.dataset.label ??= button.textContent;
    const done = await navigator.clipboard?.writeText(text).then(() => true, () => false);
    button.textContent = done ? "Copied" : otherwise;
    if (!done && selected) getSelection().selectAllChildren(selected);
    setTimeout(() => (button.textContent = button.dataset.label), 1500);
  }
}
