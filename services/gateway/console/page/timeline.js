// The ledger of an answer -> lanes in time. Pure.
//
// The ledger has each attempt's length and its first token, not its start. First attempts start with
// their layer. The start of a hedge follows from what it raced with, that of a retry from what failed
// before it, and that of a backup model from the end of the layer: these are reckoned.

import { seconds } from "./amounts.js";

/** Returns the lanes of a layer: one per model, each with its attempts. `endMs` ends what still ran. */
export function layerLanes(layer, nowMs, endMs = null) {
  const entries = (layer.report?.usage ?? []).filter((entry) => isProposal(entry));
  const ids = [...new Set([...layer.selected, ...entries.map((entry) => entry.modelId)])];
  return ids.map((modelId) => {
    const own = entries.filter((entry) => entry.modelId === modelId);
    const attempts = own.length ? timed(own, layer) : layer.report ? [] : [running(layer, nowMs, endMs)];
    return { modelId, isBackup: !layer.selected.includes(modelId), attempts };
  });
}

/** Returns the lanes of the final answer: the calls that merge, or the text as it streams. */
export function finalLanes(state, nowMs) {
  const endMs = state.endMs ?? nowMs;
  const merging = (state.result?.usage ?? []).filter((entry) => !isProposal(entry));
  if (merging.length) return merging.map((entry) => mergeLane(entry, endMs));
  if (state.firstTextMs === null) return [];
  const attempt = {
    startMs: state.firstTextMs,
    firstMs: state.firstTextMs,
    endMs,
    status: state.phase === "done" ? "CALL_STATUS_OK" : state.endMs === null ? "" : "CALL_STATUS_CANCELLED",
    kind: "",
    isReckoned: false,
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
  return { startMs, firstMs: null, endMs: Math.max(endMs ?? nowMs, startMs), status, kind: "", isReckoned: false, entry: null };
}

/** Returns the attempts of one model in a layer, with their places in time. */
function timed(entries, layer) {
  const endMs = layer.endMs ?? layer.startMs;
  const isSelected = layer.selected.includes(entries[0].modelId);
  const first = entries.find((entry) => kindOf(entry) === "") ?? entries[0];
  const firstStartMs = isSelected ? layer.startMs : Math.max(layer.startMs, endMs - lengthOf(first));
  let beforeMs = firstStartMs;
  return entries.map((entry) => {
    const kind = kindOf(entry);
    let startMs = firstStartMs;
    if (kind === "HEDGE") startMs = hedgeStart(entry, first, firstStartMs);
    else if (kind !== "") startMs = beforeMs;
    const attempt = placed(entry, startMs, kind !== "" || !isSelected);
    beforeMs = attempt.endMs;
    return attempt;
  });
}

/** Returns the start of a hedge: of the two, the loser was cancelled at the winner's first token. */
function hedgeStart(hedge, first, firstStartMs) {
  const hedgeFirst = seconds(hedge.timeToFirstToken);
  const otherFirst = seconds(first.timeToFirstToken);
  const hedgeWon = hedge.status !== "CALL_STATUS_CANCELLED" && hedgeFirst !== null;
  const startMs = hedgeWon
    ? firstStartMs + lengthOf(first) - hedgeFirst * 1000
    : firstStartMs + (otherFirst ?? lengthOf(first) / 1000) * 1000 - lengthOf(hedge);
  return Math.max(firstStartMs, startMs);
}

function placed(entry, startMs, isReckoned) {
  const firstS = seconds(entry.timeToFirstToken);
  return {
    startMs,
    firstMs: firstS === null ? null : startMs + firstS * 1000,
    endMs: startMs + lengthOf(entry),
    status: entry.status ?? "",
    kind: kindOf(entry),
    isReckoned,
    entry,
  };
}

function mergeLane(entry, endMs) {
  const startMs = Math.max(0, endMs - lengthOf(entry));
  return { modelId: entry.modelId, isFinal: true, attempts: [placed(entry, startMs, true)] };
}

function lengthOf(entry) {
  return (seconds(entry.duration) ?? 0) * 1000;
}

function kindOf(entry) {
  const kind = (entry.attemptKind ?? "").replace("ATTEMPT_KIND_", "");
  return kind === "FIRST" || kind === "UNSPECIFIED" ? "" : kind;
}
