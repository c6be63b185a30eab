// The colors of a text as soon as it is typed; what each name is, the checker says a moment later.

import { HighlightStyle, StreamLanguage, syntaxHighlighting } from "@codemirror/language";
import { tags } from "@lezer/highlight";

const KEYWORDS = new Set(["if", "else", "for", "in", "let", "default", "and", "or", "not", "true", "false"]);
const ITEMS = new Set(["network", "block", "data", "train", "export", "search", "variant", "extends", "shared"]);
const OPERATOR = /^(->|==|!=|<=|>=|\*\*|\/\/|[|*/+\-<>=])/;

const parser = {
  name: "cnn",
  startState: () => ({ depth: 0 }),
  token(stream, state) {
    const isFirst = stream.sol();
    if (stream.eatSpace()) return null;
    if (stream.match(/^#.*/)) return "comment";
    if (stream.match(/^"(?:[^"\\]|\\.)*"?/)) return "string";
    if (stream.match(/^\d+x\d+|^\d+(\.\d+)?([eE][+-]?\d+)?%?/)) return "number";
    const word = stream.match(/^[A-Za-z_]\w*/)?.[0];
    if (word) {
      if (KEYWORDS.has(word)) return "keyword";
      if (ITEMS.has(word) && (isFirst || word === "extends" || word === "shared")) return "keyword";
      return stream.match(/^[ \t]*=(?!=)/, false) ? "propertyName" : "variableName";
    }
    if (stream.match(OPERATOR)) return "operator";
    const sign = stream.next();
    if ("({[".includes(sign)) state.depth++;
    if (")}]".includes(sign)) state.depth = Math.max(0, state.depth - 1);
    return "punctuation";
  },
  indent: (state, after, context) => (state.depth - (/^[)}\]]/.test(after) ? 1 : 0)) * context.unit,
  languageData: { commentTokens: { line: "#" }, closeBrackets: { brackets: ["(", "[", "{", '"'] }, indentOnInput: /^\s*[)}\]]$/ },
};

const style = HighlightStyle.define(
  ["comment", "string", "number", "keyword", "operator", "propertyName", "punctuation"].map((name) => ({
    tag: tags[name],
    class: `c-${name}`,
  })),
);

export const cnn = [StreamLanguage.define(parser), syntaxHighlighting(style)];
