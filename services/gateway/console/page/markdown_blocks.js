// Markdown -> blocks. Pure, and linear in the length of the text.

const FENCE = /^ {0,3}(`{3,}|~{3,})\s*([\w+#.-]{0,30})/;
const HEADING = /^ {0,3}(#{1,6})\s+(.*)$/;
const RULE = /^ {0,3}(?:-(?: *-){2,}|\*(?: *\*){2,}|_(?: *_){2,}) *$/;
const QUOTE = /^ {0,3}> ?/;
const ITEM = /^( {0,12})(?:([-*+])|(\d{1,9})[.)])\s+(.*)$/;
const DIVIDER = /^ *\|? *:?-+:? *(?:\| *:?-+:? *)*\|? *$/;
const MAX_DIVIDER = 1000;

/** Returns the blocks of a text. Each has its `source`, by which an unchanged block is known. */
export function blocks(text) {
  const lines = text.replaceAll("\r\n", "\n").split("\n");
  const found = [];
  let at = 0;
  while (at < lines.length) {
    if (!lines[at].trim()) {
      at += 1;
      continue;
    }
    const { block, next } = readBlock(lines, at);
    found.push({ ...block, source: lines.slice(at, next).join("\n") });
    at = next;
  }
  return found;
}

function readBlock(lines, at) {
  const line = lines[at];
  const fence = FENCE.exec(line);
  if (fence) return readFence(lines, at, fence);
  const heading = HEADING.exec(line);
  if (heading) {
    const text = heading[2].trimEnd().replace(/ #+$/, "");
    return { block: { kind: "heading", level: heading[1].length, text }, next: at + 1 };
  }
  if (isRule(line)) return { block: { kind: "rule" }, next: at + 1 };
  if (QUOTE.test(line)) return readQuote(lines, at);
  if (ITEM.test(line)) return readList(lines, at);
  if (isTable(lines, at)) return readTable(lines, at);
  return readParagraph(lines, at);
}

function readFence(lines, at, [, marker, language]) {
  let next = at + 1;
  const isEnd = (line) => line.trim().startsWith(marker) && !line.trim().replaceAll(marker[0], "");
  while (next < lines.length && !isEnd(lines[next])) next += 1;
  const text = lines.slice(at + 1, next).join("\n");
  return { block: { kind: "code", language, text }, next: Math.min(next + 1, lines.length) };
}

function readQuote(lines, at) {
  let next = at;
  while (next < lines.length && QUOTE.test(lines[next])) next += 1;
  const inner = lines.slice(at, next).map((line) => line.replace(QUOTE, ""));
  return { block: { kind: "quote", text: inner.join("\n") }, next };
}

function readList(lines, at) {
  const items = [];
  const ordered = ITEM.exec(lines[at])[3] !== undefined;
  const start = ordered ? Number(ITEM.exec(lines[at])[3]) : 1;
  let next = at;
  while (next < lines.length) {
    const item = ITEM.exec(lines[next]);
    const isIndented = /^(?: {2,}|\t)/.test(lines[next]);
    const followsBlank = next > at && !lines[next - 1].trim();
    if (item && !isRule(lines[next])) items.push({ indent: item[1].length, text: item[4] });
    else if (!lines[next].trim()) {
      if (!continues(lines, next + 1)) break;
    } else if (isIndented || !followsBlank) {
      if (!isIndented && startsBlock(lines[next])) break;
      items.at(-1).text += `\n${lines[next].trim()}`;
    } else break;
    next += 1;
  }
  return { block: { kind: "list", ordered, start, items }, next };
}

/** Returns whether a list goes on after a blank line. */
function continues(lines, at) {
  return at < lines.length && (ITEM.test(lines[at]) || /^(?: {2,}|\t)\S/.test(lines[at]));
}

function readTable(lines, at) {
  let next = at + 2;
  while (next < lines.length && lines[next].includes("|") && lines[next].trim()) next += 1;
  const rows = lines.slice(at + 2, next).map(cells);
  return { block: { kind: "table", head: cells(lines[at]), rows }, next };
}

function readParagraph(lines, at) {
  let next = at + 1;
  while (next < lines.length && lines[next].trim() && !startsBlock(lines[next])) next += 1;
  return { block: { kind: "paragraph", text: lines.slice(at, next).join("\n") }, next };
}

function startsBlock(line) {
  return FENCE.test(line) || HEADING.test(line) || isRule(line) || QUOTE.test(line) || ITEM.test(line);
}

function isRule(line) {
  return line.length < MAX_DIVIDER && RULE.test(line);
}

function isTable(lines, at) {
  const divider = lines[at + 1] ?? "";
  return lines[at].includes("|") && divider.length < MAX_DIVIDER && divider.includes("-") && DIVIDER.test(divider);
}

function cells(line) {
  const inner = line.trim().replace(/^\|/, "").replace(/\|$/, "");
  return inner.split("|").slice(0, 32).map((cell) => cell.trim());
}
