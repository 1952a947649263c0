// A line of Markdown -> nodes. Every character of the text ends in a text node or is a marker.
//
// Links open only http and https addresses, in a new tab that knows nothing of this page. Images are
// never loaded: they become links. Every search for an end is bounded, so the time is linear.

import { element } from "./dom.js";

const MAX_LABEL = 500;
const MAX_ADDRESS = 2000;
const MAX_SPAN = 4000;
const MAX_DEPTH = 4;
const BARE = /^https?:\/\/[^\s<>"'`()[\]{}|\\^]{1,1990}/;
const MARKS = [
  ["**", "strong"],
  ["__", "strong"],
  ["~~", "del"],
  ["*", "em"],
  ["_", "em"],
];

/** Returns the nodes of a text without blocks. */
export function inline(text, depth = 0) {
  const nodes = [];
  let plain = "";
  const flush = () => {
    if (plain) nodes.push(document.createTextNode(plain));
    plain = "";
  };
  let at = 0;
  while (at < text.length) {
    const found = depth < MAX_DEPTH ? special(text, at, depth) : null;
    if (found?.text) {
      plain += found.text;
      at = found.next;
    } else if (found) {
      flush();
      nodes.push(found.node);
      at = found.next;
    } else {
      plain += text[at];
      at += 1;
    }
  }
  flush();
  return nodes;
}

/** Returns the http or https address in a text, or null for any other. */
export function safeAddress(text) {
  try {
    const address = new URL(text.trim());
    return ["http:", "https:"].includes(address.protocol) ? address.href : null;
  } catch {
    return null;
  }
}

function special(text, at, depth) {
  switch (text[at]) {
    case "\\":
      return escaped(text, at);
    case "`":
      return code(text, at);
    case "!":
      return text[at + 1] === "[" ? link(text, at + 1, depth) : null;
    case "[":
      return link(text, at, depth);
    case "*":
    case "_":
    case "~":
      return emphasis(text, at, depth);
    case "h":
      return bareLink(text, at);
    case "\n":
      return { node: element("br"), next: at + 1 };
    default:
      return null;
  }
}

function escaped(text, at) {
  if (!/[\\`*_{}[\]()#+\-.!~|>]/.test(text[at + 1] ?? "")) return null;
  return { text: text[at + 1], next: at + 2 };
}

function code(text, at) {
  let ticks = 1;
  while (text[at + ticks] === "`" && ticks < 4) ticks += 1;
  const end = near(text, "`".repeat(ticks), at + ticks, MAX_SPAN);
  if (end < 0) return null;
  return { node: element("code", {}, text.slice(at + ticks, end).trim()), next: end + ticks };
}

function emphasis(text, at, depth) {
  for (const [mark, name] of MARKS) {
    if (!text.startsWith(mark, at) || !opens(text, at, mark)) continue;
    const end = closing(text, mark, at + mark.length);
    if (end > 0) {
      const inner = text.slice(at + mark.length, end);
      return { node: element(name, {}, inline(inner, depth + 1)), next: end + mark.length };
    }
  }
  return null;
}

function opens(text, at, mark) {
  // Within a word it is no mark: names_like_this, and products such as 2*3*4.
  const isInWord = mark !== "**" && /\w/.test(text[at - 1] ?? "");
  return !isInWord && /\S/.test(text[at + mark.length] ?? "");
}

function closing(text, mark, from) {
  const end = near(text, mark, from + 1, MAX_SPAN);
  if (end < 0 || /\s/.test(text[end - 1])) return -1;
  const isInWord = mark[0] === "_" && /\w/.test(text[end + mark.length] ?? "");
  const isLonger = mark.length === 1 && text[end + 1] === mark;
  return isInWord || isLonger ? -1 : end;
}

function link(text, at, depth) {
  const middle = near(text, "](", at + 1, MAX_LABEL);
  if (middle < 0) return null;
  const end = near(text, ")", middle + 2, MAX_ADDRESS);
  if (end < 0) return null;
  const label = text.slice(at + 1, middle);
  const address = safeAddress(text.slice(middle + 2, end).split(/\s/)[0]);
  // An address of another kind is shown as it was written.
  if (address === null) return { text: text.slice(at, end + 1), next: end + 1 };
  return { node: anchor(address, inline(label, Math.max(depth + 1, MAX_DEPTH - 1))), next: end + 1 };
}

function bareLink(text, at) {
  if (!text.startsWith("http", at) || /\w/.test(text[at - 1] ?? "")) return null;
  const found = BARE.exec(text.slice(at, at + MAX_ADDRESS))?.[0].replace(/[.,;:!?]+$/, "");
  const address = found && safeAddress(found);
  return address ? { node: anchor(address, [found]), next: at + found.length } : null;
}

function anchor(address, children) {
  const host = new URL(address).host;
  const attributes = { href: address, rel: "noopener noreferrer nofollow", target: "_blank", title: host };
  return element("a", attributes, children);
}

/** Returns the index of a marker within a distance; -1 if it is not there. */
function near(text, marker, from, distance) {
  const end = text.slice(from, from + distance).indexOf(marker);
  return end < 0 ? -1 : from + end;
}
