// Shows text of models: Markdown as elements whose text is only ever text.

import { element } from "./dom.js";
import { blocks } from "./markdown_blocks.js";
import { inline } from "./markdown_inline.js";

const MAX_FORMATTED = 200_000;
const MAX_NESTING = 3;

/** Shows a text in an element. Blocks that have not changed keep their elements. */
export function showMarkdown(parent, text) {
  const wanted = text.length > MAX_FORMATTED ? [{ kind: "plain", text, source: text }] : blocks(text);
  const shown = shownSources.get(parent) ?? [];
  let same = 0;
  while (same < shown.length && same < wanted.length && shown[same] === wanted[same].source) same += 1;
  while (parent.childNodes.length > same) parent.lastChild.remove();
  for (const block of wanted.slice(same)) parent.append(blockElement(block, 0));
  shownSources.set(parent, wanted.map((block) => block.source));
}

const shownSources = new WeakMap();

function blockElement(block, nesting) {
  switch (block.kind) {
    case "heading":
      return element(`h${Math.min(6, block.level + 2)}`, {}, inline(block.text));
    case "rule":
      return element("hr");
    case "code":
      return element("pre", { tabindex: 0, "data-language": block.language }, element("code", {}, block.text));
    case "quote":
      return element("blockquote", {}, nested(block.text, nesting));
    case "list":
      return listElement(block);
    case "table":
      return tableElement(block);
    case "plain":
      return element("p", { class: "plain" }, block.text);
    default:
      return element("p", {}, inline(block.text));
  }
}

function nested(text, nesting) {
  if (nesting >= MAX_NESTING) return [element("p", { class: "plain" }, text)];
  return blocks(text).map((block) => blockElement(block, nesting + 1));
}

function listElement({ ordered, start, items }) {
  const top = element(ordered ? "ol" : "ul", { start: ordered && start !== 1 ? start : null });
  const levels = [{ indent: items[0].indent, list: top }];
  for (const { indent, text } of items) {
    while (levels.length > 1 && indent < levels.at(-1).indent) levels.pop();
    const last = levels.at(-1);
    if (indent > last.indent + 1 && last.list.lastChild && levels.length <= MAX_NESTING) {
      const list = element("ul");
      last.list.lastChild.append(list);
      levels.push({ indent, list });
    }
    levels.at(-1).list.append(element("li", {}, inline(text)));
  }
  return top;
}

function tableElement({ head, rows }) {
  const row = (cells, name) => element("tr", {}, cells.map((cell) => element(name, {}, inline(cell))));
  const table = element(
    "table",
    {},
    element("thead", {}, row(head, "th")),
    element("tbody", {}, rows.map((cells) => row(cells.slice(0, head.length), "td"))),
  );
  return element("div", { class: "scrolls", tabindex: 0 }, table);
}
