// One layer: its ranking and, once it has run, its answers.

import { percent, plural } from "./amounts.js";
import { answersView } from "./answers_view.js";
import { element } from "./dom.js";
import { rankingView } from "./ranking_view.js";

/** Returns the panel of a layer. */
export function layerPanel(layer, openLayers) {
  const title = `layer-${layer.number}`;
  return element(
    "section",
    { class: "panel layer", "aria-labelledby": title },
    element(
      "header",
      { class: "panel-head" },
      element("h2", { id: title }, `Layer ${layer.number}`),
      element("p", { class: "quiet" }, headWords(layer)),
    ),
    element("h3", {}, "Ranking"),
    rankingView(layer, openLayers),
    layer.report && element("h3", {}, "Answers"),
    layer.report && answersView(layer),
  );
}

function headWords(layer) {
  const chosen = `${layer.selected.length} of ${plural(layer.ranked.length, "model")} chosen`;
  return layer.uncertainty == null ? chosen : `${chosen} · ${percent(layer.uncertainty)} uncertain`;
}
