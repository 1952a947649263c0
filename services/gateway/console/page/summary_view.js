// Cost and time of an answer against those of the whole pool, and why it ended.

import { dollars, factor, percent, plural, seconds, span } from "./amounts.js";
import { comparison } from "./answer_state.js";
import { element, shape } from "./dom.js";
import { callStatus, dependency, plain, stopReason, substitute } from "./words.js";

/** Returns the figures of an answer so far. */
export function summaryView(state) {
  const figures = comparison(state);
  if (!figures.modelCount) return [];
  return [
    element(
      "div",
      { class: "against" },
      against("Cost", figures.costUsd, figures.poolCostUsd, dollars),
      against("Time", figures.timeS, figures.poolTimeS, span),
    ),
    element("p", { class: "quiet" }, `${callsWords(figures)} The whole pool’s cost and time are expected ones.`),
    state.result && facts(state),
  ];
}

function callsWords({ calledCount, modelCount }) {
  return `${calledCount} of ${plural(modelCount, "eligible model")} called.`;
}

function against(title, own, pool, shown) {
  const most = Math.max(own || 0, pool || 0) || 1;
  const [better, worse] = title === "Cost" ? ["cheaper", "dearer"] : ["faster", "slower"];
  const less = factor(pool, own);
  const more = factor(own, pool);
  const words = less ? `${less} ${better}` : more && `${more} ${worse}`;
  return element(
    "figure",
    { class: "versus" },
    element("figcaption", {}, element("span", {}, title), words && element("strong", {}, words)),
    row("this answer", own, most, shown, "value"),
    row("whole pool", pool, most, shown, "value other"),
  );
}

function row(name, value, most, words, kind) {
  const width = Number.isFinite(value) ? Math.max(0.5, (value / most) * 100) : 0;
  return element(
    "div",
    { class: "versus-row" },
    element("span", {}, name),
    shape(
      "svg",
      { class: "bar", "aria-hidden": "true", width: "100%", height: 8 },
      shape("rect", { class: "track", width: "100%", height: 8, rx: 4 }),
      shape("rect", { class: kind, width: `${width}%`, height: 8, rx: 4 }),
    ),
    element("span", { class: "figure" }, words(value)),
  );
}

function facts(state) {
  const { result } = state;
  const timing = result.timing ?? {};
  const uncertainty = state.layers[0]?.uncertainty;
  const rows = [
    ["Strategy", result.strategy],
    ["Ended because", stopReason(result.stopReason)],
    ["First text after", span(seconds(timing.timeToFirstDelta))],
    ["Uncertainty of the ranking", uncertainty == null ? "" : percent(uncertainty)],
    ...(result.fallbacks ?? []).map((fallback) => ["Fallback", fallbackWords(fallback)]),
    ...state.resumed.map((each) => ["Resumed", `${each.modelId} went on elsewhere: ${callStatus(each.status)}`]),
    ["Decision", result.decisionId],
  ];
  return element(
    "dl",
    { class: "facts" },
    rows.filter(([, value]) => value).map(([name, value]) => element("div", {}, element("dt", {}, name), element("dd", {}, element("bdi", {}, value)))),
  );
}

function fallbackWords(fallback) {
  const status = plain(fallback.reason ?? fallback.status, "FALLBACK_REASON_");
  return `${dependency(fallback.dependency)} (${status}): ${substitute(fallback.substitute)} instead`;
}
