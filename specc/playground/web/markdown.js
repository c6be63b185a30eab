// The Markdown of specc's pages as nodes: headings, paragraphs, lists, tables, code. Whatever else there is stays text.

export function element(name, attributes = {}, ...children) {
  const node = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on")) node.addEventListener(key.slice(2), value);
    else if (value !== false && value != null) node.setAttribute(key, value === true ? "" : value);
  }
  node.append(...children.filter((child) => child != null));
  return node;
}

const INLINE = /`([^`]+)`|\*\*([^*]+)\*\*|\[([^\]]+)\]\(([^)\s]+)\)/g;

export function inline(text) {
  const nodes = [];
  let end = 0;
  for (const match of text.matchAll(INLINE)) {
    nodes.push(text.slice(end, match.index));
    end = match.index + match[0].length;
    if (match[1]) nodes.push(element("code", {}, match[1]));
    else if (match[2]) nodes.push(element("b", {}, match[2]));
    else if (/^https:\/\//.test(match[4])) nodes.push(element("a", { href: match[4], rel: "noreferrer", target: "_blank" }, match[3]));
    else nodes.push(...inline(match[3]));
  }
  return [...nodes, text.slice(end)];
}

const cells = (line) => line.replace(/^\||\|$/g, "").split("|").map((cell) => inline(cell.trim()));

function table(lines) {
  const [head, , ...rows] = lines.map(cells);
  return element(
    "table",
    {},
    element("thead", {}, element("tr", {}, ...head.map((cell) => element("th", {}, ...cell)))),
    element("tbody", {}, ...rows.map((row) => element("tr", {}, ...row.map((cell) => element("td", {}, ...cell))))),
  );
}

function part(text) {
  const heading = text.match(/^(#{1,4}) (.*)$/);
  if (heading) return element(`h${heading[1].length + 1}`, {}, ...inline(heading[2]));
  const lines = text.split("\n");
  if (lines[0].startsWith("|") && /^\|[-| :]+\|$/.test(lines[1] ?? "")) return table(lines);
  if (lines.every((line) => /^(- |  )/.test(line))) {
    const items = text.split(/\n(?=- )/).map((item) => item.slice(2).replace(/\n\s+/g, " "));
    return element("ul", {}, ...items.map((item) => element("li", {}, ...inline(item))));
  }
  return element("p", {}, ...inline(lines.join(" ")));
}

export function markdown(text) {
  const nodes = document.createDocumentFragment();
  text.split(/^```\w*\n([\s\S]*?)^```$/m).forEach((piece, place) => {
    if (place % 2) nodes.append(element("pre", { tabindex: 0 }, piece.replace(/\n$/, "")));
    else nodes.append(...piece.split(/\n\s*\n/).map((one) => one.trim()).filter(Boolean).map(part));
  });
  return nodes;
}
