// Questions of this browser, kept in its local storage: no answer, no token.

import { dollars, plural, span } from "./amounts.js";
import { element, fill } from "./dom.js";

const KEY = "routemoa.recent";
const MOST = 30;

/** Returns the questions, the newest first. What is not in our form is left out. */
export function recentQuestions() {
  try {
    const kept = JSON.parse(localStorage.getItem(KEY) ?? "[]");
    return Array.isArray(kept) ? kept.filter(isEntry).slice(0, MOST) : [];
  } catch {
    return [];
  }
}

/** Keeps a question that was answered and returns its id. */
export function keepQuestion(entry) {
  // Not `crypto.randomUUID`, which pages without TLS lack.
  const id = `${Date.now().toString(36)}-${Math.random().toString(36).slice(2)}`;
  const kept = { id, thumb: null, ...entry };
  write([kept, ...recentQuestions()]);
  return kept.id;
}

/** Keeps a thumb up or down with the decision that it is about. */
export function keepThumb(id, thumb) {
  write(recentQuestions().map((entry) => (entry.id === id ? { ...entry, thumb } : entry)));
}

/** Forgets every question. */
export function forgetQuestions() {
  try {
    localStorage.removeItem(KEY);
  } catch {
    // A browser that keeps nothing has nothing to forget.
  }
}

/** Returns what this browser has spent, as far as it remembers. */
export function spending(entries) {
  return { costUsd: entries.reduce((sum, entry) => sum + (entry.costUsd ?? 0), 0), answers: entries.length };
}

/** Shows the questions; `reuse` puts one back into the form. */
export function showRecent(parent, entries, reuse) {
  if (!entries.length) {
    fill(parent, element("p", { class: "quiet" }, "Nothing yet. Questions stay in this browser."));
    return;
  }
  fill(parent, element("ul", { class: "recent" }, entries.map((entry) => recentRow(entry, reuse))));
}

/** Shows what is known of the budget. The router does not report limits yet. */
export function showBudget(parent, entries) {
  const { costUsd, answers } = spending(entries);
  fill(
    parent,
    element("p", {}, element("strong", {}, dollars(costUsd)), ` spent in ${plural(answers, "answer")} of this browser.`),
    element("p", { class: "quiet" }, "The router does not report the limits of a tenant to this page."),
  );
}

function recentRow(entry, reuse) {
  const thumb = entry.thumb === "up" ? " · rated good" : entry.thumb === "down" ? " · rated bad" : "";
  const models = plural(entry.modelCount ?? 0, "model");
  const figures = `${entry.strategy} · ${models} · ${dollars(entry.costUsd)} · ${span(entry.timeS)}${thumb}`;
  return element(
    "li",
    {},
    element("button", { type: "button", class: "link", title: "Ask again, with another policy if you like", onclick: () => reuse(entry) }, entry.question),
    element("p", { class: "quiet" }, figures),
  );
}

function isEntry(entry) {
  return typeof entry?.id === "string" && typeof entry.question === "string" && typeof entry.strategy === "string";
}

function write(entries) {
  try {
    localStorage.setItem(KEY, JSON.stringify(entries.slice(0, MOST)));
  } catch {
    // A full or forbidden storage: the question is not kept.
  }
}
