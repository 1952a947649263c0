// Builds elements. Text only ever becomes a text node, so no text can become markup.

const SVG = "http://www.w3.org/2000/svg";

/** Returns an element with attributes and children; strings become text nodes. */
export function element(name, attributes = {}, ...children) {
  return filled(document.createElement(name), attributes, children);
}

/** Returns an SVG element with attributes and children. */
export function shape(name, attributes = {}, ...children) {
  return filled(document.createElementNS(SVG, name), attributes, children);
}

/** Replaces the children of an element. */
export function fill(parent, ...children) {
  parent.replaceChildren();
  appendAll(parent, children);
}

function filled(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value == null || value === false) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else node.setAttribute(name, value === true ? "" : String(value));
  }
  appendAll(node, children);
  return node;
}

/** Appends children one by one: a list of arguments may not be as long as some texts make it. */
function appendAll(parent, children) {
  for (const child of children) {
    if (Array.isArray(child)) appendAll(parent, child);
    else if (child != null && child !== false) parent.append(child);
  }
}
