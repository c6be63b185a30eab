// The editor: CodeMirror, with what the checker says of the text shown in it.

import { autocompletion, closeBrackets, closeBracketsKeymap, completionKeymap, snippet } from "@codemirror/autocomplete";
import { defaultKeymap, history, historyKeymap } from "@codemirror/commands";
import { bracketMatching, indentOnInput } from "@codemirror/language";
import { forEachDiagnostic, lintGutter, lintKeymap, setDiagnostics } from "@codemirror/lint";
import { highlightSelectionMatches, searchKeymap } from "@codemirror/search";
import { ChangeSet, Compartment, EditorState, Prec, StateEffect, StateField } from "@codemirror/state";
import {
  crosshairCursor, Decoration, drawSelection, EditorView, highlightActiveLine, highlightActiveLineGutter,
  highlightSpecialChars, hoverTooltip, keymap, lineNumbers, rectangularSelection, showTooltip, WidgetType,
} from "@codemirror/view";
import { cnn } from "./colors.js";
import { element, inline, markdown } from "./markdown.js";

const KINDS = {
  Function: "function", Class: "class", Keyword: "keyword", Property: "property", Field: "property", Variable: "variable",
  EnumMember: "enum", Module: "namespace", Operator: "method", File: "text", Folder: "text",
};
const dark = matchMedia("(prefers-color-scheme: dark)");

class Shape extends WidgetType {
  constructor(text, old) {
    super();
    Object.assign(this, { text, old });
  }
  eq(other) {
    return other.text === this.text && other.old === this.old;
  }
  toDOM() {
    return element("span", { class: this.old ? "shape old" : "shape", title: this.old || null }, this.text);
  }
}

// Decorations that an effect replaces, and that move with the text until then.
function decorations(effect) {
  return StateField.define({
    create: () => Decoration.none,
    update(marks, transaction) {
      marks = marks.map(transaction.changes);
      for (const one of transaction.effects) if (one.is(effect)) marks = one.value;
      return marks;
    },
    provide: (field) => EditorView.decorations.from(field),
  });
}

const setShapes = StateEffect.define();
const setNames = StateEffect.define();
const setSignature = StateEffect.define();

const signature = StateField.define({
  create: () => null,
  update(tooltip, transaction) {
    for (const one of transaction.effects) if (one.is(setSignature)) return one.value;
    return tooltip && transaction.docChanged ? { ...tooltip, pos: transaction.changes.mapPos(tooltip.pos) } : tooltip;
  },
  provide: (field) => showTooltip.from(field),
});

// A problem as it is shown at its place and in the list.
// go: leads to a place in the text; without it, second places are only quoted.
export function told(problem, explain, go = null) {
  const about = element("div", { class: `problem ${problem.severity}` });
  const code = element("button", { class: "code", onclick: () => explain(problem.code), title: "What this code means" }, problem.code);
  about.append(element("p", {}, code, " ", ...inline(problem.message)));
  const note = (...content) => about.append(element("p", { class: "note" }, ...content));
  const quoted = ({ quote }) => [element("code", {}, quote), ": "];
  if (problem.label) note(...quoted(problem), ...inline(problem.label));
  for (const one of problem.related) {
    const where = one.from !== null && go ? element("button", { class: "go", onclick: () => go(one.from) }, `line ${one.line}`) : null;
    note(...(where ? [where, " "] : []), ...quoted(one), ...inline(one.text));
  }
  for (const line of problem.notes) note(...inline(line));
  if (problem.help) about.append(element("p", { class: "help" }, element("b", {}, "help: "), ...inline(problem.help)));
  return about;
}

export class Editor {
  // asked: the checker. changed: called after every change of the text. explain: shows the page of a code.
  constructor(parent, text, { checker, changed, explain, format }) {
    Object.assign(this, { checker, changed, explain });
    this.sent = null; // what has changed since a text was sent to the checker
    this.problems = [];
    const theme = new Compartment();
    const themed = () => EditorView.theme({}, { dark: dark.matches });
    this.view = new EditorView({
      parent,
      state: EditorState.create({
        doc: text,
        extensions: [
          [lineNumbers(), highlightActiveLineGutter(), highlightSpecialChars(), history(), drawSelection()],
          [EditorState.allowMultipleSelections.of(true), indentOnInput(), bracketMatching(), closeBrackets()],
          [rectangularSelection(), crosshairCursor(), highlightActiveLine(), highlightSelectionMatches(), lintGutter()],
          [cnn, theme.of(themed()), EditorView.lineWrapping, EditorState.tabSize.of(2)],
          EditorView.contentAttributes.of({ "aria-label": "The spec", spellcheck: "false" }),
          autocompletion({ override: [(context) => this.#complete(context)] }),
          hoverTooltip((view, position) => this.#hover(position)),
          [decorations(setShapes), Prec.highest(decorations(setNames)), signature],
          keymap.of([
            { key: "Mod-.", run: () => this.repairHere() },
            { key: "Shift-Alt-f", run: () => (format(), true) },
            { key: "Escape", run: (view) => !!view.state.field(signature) && (view.dispatch({ effects: setSignature.of(null) }), true) },
            ...[...closeBracketsKeymap, ...defaultKeymap, ...searchKeymap, ...historyKeymap, ...completionKeymap, ...lintKeymap],
          ]),
          EditorView.updateListener.of((update) => this.#updated(update)),
        ],
      }),
    });
    dark.addEventListener("change", () => this.view.dispatch({ effects: theme.reconfigure(themed()) }));
  }

  get text() {
    return this.view.state.doc.toString();
  }

  set text(text) {
    this.view.dispatch({ changes: { from: 0, to: this.view.state.doc.length, insert: text }, selection: { anchor: 0 } });
    this.view.scrollDOM.scrollTop = 0;
  }

  // The text, to be checked: until `show` is given the answer, changes are noted.
  send() {
    this.sent = ChangeSet.empty(this.view.state.doc.length);
    return this.text;
  }

  // What the checker says of the text that was sent.
  show({ problems, hints, names }) {
    const moved = (place, side = 1) => this.sent.mapPos(place, side);
    this.problems = problems.map((one) => ({ ...one, from: moved(one.from), to: Math.max(moved(one.from), moved(one.to, -1)) }));
    this.checked = this.sent.empty ? this.view.state.doc : null;
    const shapes = hints.map(([at, text, old]) => Decoration.widget({ widget: new Shape(text, old), side: 1 }).range(moved(at, -1)));
    const marks = names
      .map(([from, to, kind]) => [moved(from), moved(to, -1), kind])
      .filter(([from, to]) => from < to)
      .map(([from, to, kind]) => Decoration.mark({ class: `n-${kind}` }).range(from, to));
    const found = this.problems.map((one) => ({
      from: one.from,
      to: one.to,
      severity: one.severity,
      message: one.message,
      renderMessage: () => told(one, this.explain),
      actions: one.fix ? [{ name: one.fix.title.replaceAll("`", ""), apply: () => this.repair(one) }] : [],
    }));
    this.view.dispatch(setDiagnostics(this.view.state, found), {
      effects: [setShapes.of(Decoration.set(shapes, true)), setNames.of(Decoration.set(marks, true))],
    });
  }

  // The text could not be checked: what was known of the one before it does not hold.
  forget() {
    this.problems = [];
    this.checked = null;
    this.view.dispatch(setDiagnostics(this.view.state, []));
  }

  // Apply the fix of a problem; not where the text has changed since, as the next check will bring it anew.
  repair({ fix }) {
    if (!this.checked?.eq(this.view.state.doc)) return false;
    this.apply(fix.changes);
    return true;
  }

  repairHere() {
    const { head } = this.view.state.selection.main;
    const line = this.view.state.doc.lineAt(head);
    const fixable = this.problems.filter((one) => one.fix && one.from <= line.to && one.to >= line.from);
    const near = (one) => Math.max(one.from - head, head - one.to, 0);
    const best = fixable.sort((a, b) => near(a) - near(b))[0];
    return !!best && this.repair(best);
  }

  apply(changes) {
    this.view.dispatch({ changes: changes.map(([from, to, insert]) => ({ from, to, insert })), scrollIntoView: true });
  }

  go(position) {
    const anchor = Math.min(position, this.view.state.doc.length);
    this.view.dispatch({ selection: { anchor }, effects: EditorView.scrollIntoView(anchor, { y: "center" }) });
    this.view.focus();
  }

  goToLine(line) {
    const { doc } = this.view.state;
    const { from, text } = doc.line(Math.min(line, doc.lines));
    this.go(from + text.search(/\S|$/));
  }

  get underlined() {
    let count = 0;
    forEachDiagnostic(this.view.state, () => count++);
    return count;
  }

  #updated(update) {
    if (update.docChanged) {
      if (this.sent) this.sent = this.sent.compose(update.changes);
      this.changed();
    }
    const isTyped = update.transactions.some((one) => one.isUserEvent("input") || one.isUserEvent("delete"));
    if (isTyped || (update.selectionSet && update.state.field(signature))) this.#sign();
  }

  // Show the parameters of the call that is being typed.
  async #sign() {
    const { state } = this.view;
    const { head } = state.selection.main;
    const before = state.sliceDoc(Math.max(0, head - 500), head);
    const isInside = before.lastIndexOf("(") > before.lastIndexOf(")") || before.lastIndexOf("(") > before.lastIndexOf("\n");
    const one = isInside ? await this.checker.ask("signature", this.text, head).catch(() => null) : null;
    if (this.view.state.selection.main.head !== head || (!one && !this.view.state.field(signature))) return;
    const labels = one?.parameters.map(([label], place) => element(place === one.active ? "b" : "span", {}, label));
    const create = () => ({
      dom: element(
        "div",
        { class: "signature" },
        element("p", {}, `${one.name}(`, ...labels.flatMap((label, place) => (place ? [", ", label] : [label])), ")"),
        one.parameters[one.active]?.[1] ? element("p", { class: "note" }, one.parameters[one.active][1]) : null,
      ),
    });
    this.view.dispatch({ effects: setSignature.of(one ? { pos: head, above: true, create } : null) });
  }

  async #complete(context) {
    const word = context.matchBefore(/\w*/);
    const sign = context.state.sliceDoc(word.from - 1, word.from);
    if (word.from === word.to && !context.explicit && !['.', "=", "(", '"', "/"].includes(sign)) return null;
    const items = await this.checker.ask("complete", context.state.doc.toString(), context.pos).catch(() => []);
    if (context.aborted) return null;
    const options = items.map((item) => ({
      label: item.filter,
      displayLabel: item.label,
      detail: item.detail.length > 32 ? `${item.detail.slice(0, 31)}…` : item.detail,
      type: KINDS[item.kind] ?? "text",
      sortText: item.sort,
      apply: item.snippet ? snippet(item.insert.replace(/\$(\d)/g, (_, number) => (number === "0" ? "${}" : `\${${number}}`))) : item.insert,
      info: item.word ? () => this.#word(item.word) : undefined,
    }));
    return options.length ? { from: word.from, options, validFor: /^\w*$/ } : null;
  }

  async #word({ family, name }) {
    const text = await this.checker.ask("word", family, name).catch(() => "");
    return text ? element("div", { class: "page" }, markdown(text)) : null;
  }

  async #hover(position) {
    if (!this.checked?.eq(this.view.state.doc)) return null;
    const one = await this.checker.ask("hover", position).catch(() => null);
    const create = () => ({ dom: element("div", { class: "page" }, markdown(one.text)) });
    return one && { pos: one.from, end: one.to, above: true, create };
  }
}
