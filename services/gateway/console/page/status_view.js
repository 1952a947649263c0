// What is happening now, in a sentence; and what went wrong.

import { plural, seconds, span } from "./amounts.js";
import { element } from "./dom.js";
import { callStatus } from "./words.js";

/** Returns the phase of an answer in a sentence, for the eye and for screen readers. */
export function statusWords(state) {
  const layer = state.layers.at(-1);
  switch (state.phase) {
    case "ranking":
      return "Ranking the models.";
    case "layer":
      return `Layer ${layer.number}: ${plural(layer.selected.length, "model")} at work.`;
    case "deciding":
      return "Deciding what to do next.";
    case "writing":
      return state.resets.length ? `${resetWords(state)} The answer begins again.` : "The answer is coming.";
    case "stopped":
      return "Stopped. Every call was cancelled.";
    case "failed":
      return "The answer failed.";
    default:
      return `Done in ${span(seconds(state.result?.timing?.totalDuration))}.`;
  }
}

/** Returns an error with all its problems. */
export function problemView(error) {
  const parts = [
    element("strong", {}, error.message || "Something went wrong."),
    error.problems?.length &&
      element("ul", {}, error.problems.map(({ field, description }) => element("li", {}, field ? `${field}: ${description}` : description))),
    error.retryAfterS != null && element("p", {}, `Try again in ${span(error.retryAfterS)}.`),
    error.code && element("p", { class: "quiet" }, error.code),
    error.requestId && element("p", { class: "quiet" }, "Request ", element("code", {}, error.requestId)),
  ];
  return parts.filter(Boolean);
}

function resetWords(state) {
  return `The writer failed (${callStatus(state.resets.at(-1).status)}).`;
}
