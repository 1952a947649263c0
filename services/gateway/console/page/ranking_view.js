// The ranking of a layer, as bars with reasons.

import { dollars, percent, seconds, span } from "./amounts.js";
import { element, shape } from "./dom.js";
import { selectionReason } from "./words.js";

const SHOWN_AT_FIRST = 6;

/** Returns the ranking of a layer. Open ranks stay open: `openLayers` holds their numbers. */
export function rankingView(layer, openLayers) {
  const posteriors = new Map((layer.report?.assessments ?? []).map((each) => [each.modelId, each]));
  const rows = layer.ranked.map((model, index) => rankedRow(model, index + 1, layer, posteriors));
  const later = rows.slice(SHOWN_AT_FIRST);
  const list = element("ol", { class: "ranking" }, rows.slice(0, SHOWN_AT_FIRST));
  if (!later.length) return list;
  return element("div", {}, list, laterRows(later, layer.number, openLayers));
}

function laterRows(rows, number, openLayers) {
  const details = element(
    "details",
    {
      class: "more",
      open: openLayers.has(number),
      ontoggle: () => (details.open ? openLayers.add(number) : openLayers.delete(number)),
    },
    element("summary", {}, `${rows.length} more`),
    element("ol", { class: "ranking", start: SHOWN_AT_FIRST + 1 }, rows),
  );
  return details;
}

function rankedRow(model, place, layer, posteriors) {
  const runs = layer.selected.includes(model.modelId);
  const posterior = posteriors.get(model.modelId)?.posteriorScore;
  const score = model.score ?? 0;
  const reason = selectionReason(model.selectionReason) || (runs ? "runs" : "does not run");
  const judged = posterior == null ? "" : `, ${percent(posterior)} after grading`;
  return element(
    "li",
    { class: runs ? "rank runs" : "rank", "data-model": model.modelId, value: place },
    element("bdi", { class: "model" }, model.modelId),
    element("span", { class: "figure" }, percent(score)),
    bar(score, posterior, `${model.modelId}: ${percent(score)} likely to answer well${judged}`),
    element("span", { class: "why" }, model.explanation || reason),
    element(
      "span",
      { class: "why figures", title: "expected cost and time of one call" },
      `${dollars(model.expectedCostUsd ?? 0)} · ${span(seconds(model.expectedLatency))}`,
    ),
  );
}

/** Returns a bar of a score; a notch marks the score after grading. */
function bar(score, posterior, label) {
  const within = (value) => Math.min(1, Math.max(0, value)) * 100;
  return shape(
    "svg",
    { class: "bar", role: "img", "aria-label": label, width: "100%", height: 8 },
    shape("rect", { class: "track", width: "100%", height: 8, rx: 4 }),
    shape("rect", { class: "value", width: `${within(score)}%`, height: 8, rx: 4 }),
    posterior != null &&
      shape("rect", { class: "notch", x: `${within(posterior)}%`, y: 0, width: 3, height: 8 }),
  );
}
