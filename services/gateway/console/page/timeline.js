// The ledger of an answer -> lanes in time. Pure.
//
// The ledger's times count from the start of the answer at the router, those of the page from the
// question. The first call of a layer begins when the page hears of the layer; that tells the distance.

import { seconds } from "./amounts.js";

/** Returns the lanes of a layer: one per model, each with its attempts. `endMs` ends what still ran. */
export function layerLanes(layer, nowMs, endMs = null, answerMs = answerStart([layer])) {
  const entries = (layer.report?.usage ?? []).filter((entry) => isProposal(entry));
  const ids = [...new Set([...layer.selected, ...entries.map((entry) => entry.modelId)])];
  return ids.map((modelId) => {
    const own = entries.filter((entry) => entry.modelId === modelId);
    const attempts = own.length ? own.map((entry) => placed(entry, answerMs)) : layer.report ? [] : [running(layer, nowMs, endMs)];
    return { modelId, isBackup: !layer.selected.includes(modelId), attempts };
  });
}

/** Returns the lanes of the final answer: the calls that merge, or the text as it streams. */
export function finalLanes(state, nowMs) {
  const endMs = state.endMs ?? nowMs;
  const merging = (state.result?.usage ?? []).filter((entry) => !isProposal(entry));
  if (merging.length) {
    const answerMs = answerStart(state.layers);
    return merging.map((entry) => ({ modelId: entry.modelId, isFinal: true, attempts: [placed(entry, answerMs)] }));
  }
  if (state.firstTextMs === null) return [];
  const attempt = {
    startMs: state.firstTextMs,
    firstMs: state.firstTextMs,
    endMs,
    status: state.phase === "done" ? "CALL_STATUS_OK" : state.endMs === null ? "" : "CALL_STATUS_CANCELLED",
    kind: "",
    entry: null,
  };
  return [{ modelId: state.result?.answer?.modelId ?? "", isFinal: true, attempts: [attempt] }];
}

/** Returns the end of the time axis: the next round number beyond what is shown. */
export function axisEnd(lastMs) {
  const raw = Math.max(lastMs, 200);
  const step = tickStep(raw);
  return Math.ceil(raw / step) * step;
}

/** Returns the distance of ticks, so that an axis has three to seven. */
export function tickStep(lengthMs) {
  const magnitude = 10 ** Math.floor(Math.log10(lengthMs / 3));
  const options = [1, 2, 5, 10].map((digit) => digit * magnitude);
  return options.find((step) => lengthMs / step <= 6) ?? options[3];
}

function isProposal(entry) {
  return (entry.purpose ?? "CALL_PURPOSE_ANSWER") === "CALL_PURPOSE_ANSWER";
}

function running({ startMs }, nowMs, endMs) {
  const status = endMs === null ? "" : "CALL_STATUS_CANCELLED";
  return { startMs, firstMs: null, endMs: Math.max(endMs ?? nowMs, startMs), status, kind: "", entry: null };
}

/** Returns the time at the page of the start of the answer at the router, by its first layer. */
export function answerStart(layers) {
  for (const layer of layers) {
    const starts = (layer.report?.usage ?? []).filter((entry) => isProposal(entry)).map((entry) => startOf(entry));
    if (starts.length) return layer.startMs - Math.min(...starts);
  }
  return 0;
}

function placed(entry, answerMs) {
  const startMs = answerMs + startOf(entry);
  const firstS = seconds(entry.timeToFirstToken);
  return {
    startMs,
    firstMs: firstS === null ? null : startMs + firstS * 1000,
    endMs: startMs + lengthOf(entry),
    status: entry.status ?? "",
    kind: kindOf(entry),
    entry,
  };
}

function startOf(entry) {
  return (seconds(entry.timeToStart) ?? 0) * 1000;
}

function lengthOf(entry) {
  return (seconds(entry.duration) ?? 0) * 1000;
}

function kindOf(entry) {
  const kind = (entry.attemptKind ?? "").replace("ATTEMPT_KIND_", "");
  return kind === "FIRST" || kind === "UNSPECIFIED" ? "" : kind;
}
