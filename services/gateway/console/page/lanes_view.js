// The models of an answer as lanes in time: SVG, drawn anew while calls run.

import { span } from "./amounts.js";
import { element, fill, shape } from "./dom.js";
import { answerStart, axisEnd, finalLanes, layerLanes, tickStep } from "./timeline.js";
import { attemptKind, callPurpose, callStatus } from "./words.js";

const BAR = 14;

/** Shows the lanes of an answer, as far as it has come. */
export function showLanes(parent, state, nowMs) {
  const groups = [rankingGroup(state, nowMs)];
  for (const layer of state.layers) groups.push(layerGroup(layer, nowMs, state));
  const final = finalLanes(state, nowMs);
  if (final.length) groups.push({ title: "Final answer", lanes: final.map((lane) => named(lane)) });
  const times = groups.flatMap((group) => group.lanes).flatMap((lane) => lane.attempts);
  const last = Math.max(state.endMs ?? nowMs, ...times.map((attempt) => attempt.endMs));
  const end = axisEnd(last);
  fill(parent, axis(end), groups.map((group) => groupElement(group, end)));
}

function rankingGroup(state, nowMs) {
  const endMs = state.layers[0]?.startMs ?? state.firstTextMs ?? state.endMs ?? nowMs;
  const isOver = state.layers.length || state.firstTextMs !== null;
  const status = isOver ? "CALL_STATUS_OK" : state.endMs === null ? "" : "CALL_STATUS_CANCELLED";
  const attempt = { startMs: 0, firstMs: null, endMs, status, kind: "", entry: null };
  return { title: "Ranking", lanes: [{ modelId: "scorer", isService: true, attempts: [attempt] }] };
}

function layerGroup(layer, nowMs, state) {
  const lanes = layerLanes(layer, nowMs, state.endMs, answerStart(state.layers)).map((lane) => named(lane));
  if (layer.reportMs !== null && layer.reportMs - layer.endMs > 1) {
    const attempt = {
      startMs: layer.endMs,
      firstMs: null,
      endMs: layer.reportMs,
      status: "CALL_STATUS_OK",
      kind: "",
      entry: null,
    };
    lanes.push({ modelId: "judge", label: "judge", isService: true, attempts: [attempt] });
  }
  return { title: `Layer ${layer.number}`, lanes };
}

function named(lane) {
  const purpose = callPurpose(lane.attempts[0]?.entry?.purpose);
  const note = purpose || (lane.isBackup ? "backup" : "");
  return { ...lane, note };
}

function axis(endMs) {
  const step = tickStep(endMs);
  const ticks = [];
  for (let at = 0; at <= endMs + step / 2; at += step) ticks.push(at);
  const isLast = (at) => at > endMs - step / 2;
  return element(
    "div",
    { class: "lane axis", "aria-hidden": "true" },
    element("span", { class: "lane-name" }),
    shape(
      "svg",
      { class: "lane-drawing", width: "100%", height: 16 },
      ticks.map((at) =>
        shape(
          "text",
          { x: place(at, endMs), y: 11, "text-anchor": at === 0 ? "start" : isLast(at) ? "end" : "middle" },
          at === 0 ? "0" : span(at / 1000),
        ),
      ),
    ),
    element("span", { class: "lane-end" }),
  );
}

function groupElement({ title, lanes }, endMs) {
  return element(
    "section",
    { class: "lane-group", "aria-label": title },
    element("h3", {}, title),
    element("ul", {}, lanes.map((lane) => laneElement(lane, endMs))),
  );
}

function laneElement(lane, endMs) {
  const words = lane.attempts.map((attempt) => attemptWords(attempt)).join("; ");
  return element(
    "li",
    { class: lane.isService ? "lane service" : "lane", "data-model": lane.modelId },
    element("span", { class: "lane-name" }, element("bdi", { title: lane.modelId }, lane.modelId || "answer"), noteOf(lane)),
    shape(
      "svg",
      { class: "lane-drawing", role: "img", "aria-label": words || "no call", width: "100%", height: BAR + 6 },
      shape("line", { class: "rail", x1: 0, x2: "100%", y1: BAR / 2 + 3, y2: BAR / 2 + 3 }),
      lane.attempts.map((attempt) => attemptShape(attempt, lane, endMs)),
    ),
    element("span", { class: "lane-end" }, endWords(lane.attempts)),
  );
}

function noteOf(lane) {
  return lane.note ? element("span", { class: "tag" }, lane.note) : null;
}

function attemptShape(attempt, lane, endMs) {
  const state = statusClass(attempt);
  const width = Math.max(0.4, ((attempt.endMs - attempt.startMs) / endMs) * 100);
  const kind = attempt.kind ? ` ${attempt.kind.toLowerCase()}` : "";
  const final = lane.isFinal ? " final" : "";
  return shape(
    "g",
    { class: `attempt ${state}${kind}${final}`, "data-status": attempt.status },
    shape("title", {}, attemptWords(attempt)),
    shape("rect", { x: place(attempt.startMs, endMs), y: 3, width: `${width}%`, height: BAR, rx: 4 }),
    attempt.firstMs !== null &&
      shape("rect", { class: "first-token", x: place(attempt.firstMs, endMs), y: 1, width: 2.5, height: BAR + 4, rx: 1 }),
  );
}

function statusClass({ status }) {
  if (status === "") return "running";
  if (status === "CALL_STATUS_OK") return "ok";
  return status === "CALL_STATUS_CANCELLED" ? "cancelled" : "bad";
}

function endWords(attempts) {
  const last = attempts.at(-1);
  if (!last) return "";
  const kind = attempts.map((attempt) => attemptKind(attempt.kind)).filter(Boolean).join(", ");
  const length = span((last.endMs - last.startMs) / 1000);
  const end = statusClass(last) === "ok" || last.status === "" ? length : callStatus(last.status);
  return kind ? `${end} · ${kind}` : end;
}

function attemptWords({ startMs, firstMs, endMs, status, kind, entry }) {
  const parts = [
    attemptKind(kind),
    `from ${span(startMs / 1000)} to ${span(endMs / 1000)}`,
    firstMs === null ? "" : `first token at ${span(firstMs / 1000)}`,
    status === "" ? "running" : callStatus(status),
    entry?.backendMessage ?? "",
  ];
  return parts.filter(Boolean).join(", ");
}

function place(atMs, endMs) {
  return `${(Math.max(0, atMs) / endMs) * 100}%`;
}
