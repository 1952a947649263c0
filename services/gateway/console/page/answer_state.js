// The events of an answer -> everything that the page shows of it. Pure.
//
// Times are in milliseconds since the question was asked, as this page saw them.

/** Returns the state of a question that was just asked. */
export function asked(question, policy) {
  return {
    question,
    policy,
    phase: "ranking",
    layers: [],
    answer: emptyAnswer(),
    resets: [],
    resumed: [],
    firstTextMs: null,
    endMs: null,
    result: null,
    error: null,
  };
}

/** Returns the state after an event of the stream. */
export function advanced(state, event, nowMs) {
  if (event.routing) return { ...state, phase: "layer", layers: [...state.layers, begun(event.routing, nowMs)] };
  if (event.layer) return { ...state, phase: "deciding", layers: reported(state.layers, event, nowMs) };
  if (event.delta) return written(state, event.delta, nowMs);
  if (event.reset) {
    return { ...state, answer: emptyAnswer(), resets: [...state.resets, { ...event.reset, atMs: nowMs }] };
  }
  if (event.resumed) return { ...state, resumed: [...state.resumed, { ...event.resumed, atMs: nowMs }] };
  if (event.result) return ended(state, event.result, nowMs);
  return state;
}

/** Returns the state after an error. */
export function failed(state, error, nowMs) {
  return { ...state, phase: "failed", error, endMs: nowMs };
}

/** Returns the state after the person has stopped the answer. */
export function stopped(state, nowMs) {
  return { ...state, phase: "stopped", endMs: nowMs };
}

/** Returns whether events may still come. */
export function isRunning(state) {
  return state !== null && !["done", "failed", "stopped"].includes(state.phase);
}

/** Returns every ledger entry that is known so far. */
export function ledger(state) {
  const whole = state.result?.usage ?? [];
  const streamed = state.layers.flatMap((layer) => layer.report?.usage ?? []);
  // The result may leave out the entries that came with their layers.
  const proposals = whole.filter((entry) => entry.purpose === "CALL_PURPOSE_ANSWER");
  return proposals.length >= streamed.length ? whole : [...streamed, ...whole];
}

/** Returns the cost and the time of the answer beside those expected of the whole pool. */
export function comparison(state) {
  const ranked = state.layers[0]?.ranked ?? [];
  const latencies = ranked.map((model) => parseFloat(model.expectedLatency)).filter(Number.isFinite);
  const spent = ledger(state).reduce((sum, entry) => sum + (entry.costUsd ?? 0), 0);
  return {
    costUsd: state.result?.costUsd ?? spent,
    timeS: state.result ? parseFloat(state.result.timing?.totalDuration ?? "NaN") : NaN,
    poolCostUsd: ranked.reduce((sum, model) => sum + (model.expectedCostUsd ?? 0), 0),
    poolTimeS: latencies.length ? Math.max(...latencies) : NaN,
    modelCount: ranked.length,
    calledCount: new Set(ledger(state).map((entry) => entry.modelId)).size,
  };
}

function emptyAnswer() {
  return { text: "", reasoning: "", refusal: "", toolCalls: [] };
}

function begun(routing, nowMs) {
  return {
    number: routing.layerNumber ?? 1,
    startMs: nowMs,
    endMs: null,
    reportMs: null,
    ranked: routing.rankedModels ?? [],
    selected: routing.selectedModelIds ?? [],
    uncertainty: routing.uncertainty ?? null,
    report: null,
    agreement: [],
  };
}

function reported(layers, { layer: report, agreement = [] }, nowMs) {
  return layers.map((layer) => {
    if (layer.number !== (report.layerNumber ?? 1)) return layer;
    const lengthMs = parseFloat(report.duration ?? "0") * 1000;
    const endMs = Math.min(nowMs, layer.startMs + lengthMs);
    return { ...layer, report, agreement, endMs, reportMs: nowMs };
  });
}

function written(state, delta, nowMs) {
  const answer = {
    text: state.answer.text + (delta.text ?? ""),
    reasoning: state.answer.reasoning + (delta.reasoning ?? ""),
    refusal: state.answer.refusal + (delta.refusal ?? ""),
    toolCalls: withPieces(state.answer.toolCalls, delta.toolCalls),
  };
  return { ...state, phase: "writing", answer, firstTextMs: state.firstTextMs ?? nowMs };
}

function withPieces(calls, pieces) {
  if (!pieces) return calls;
  const joined = calls.map((call) => ({ ...call }));
  for (const piece of pieces) {
    const index = piece.callIndex ?? 0;
    const call = (joined[index] ??= { toolCallId: "", name: "", argumentsJson: "" });
    call.toolCallId ||= piece.toolCallId ?? "";
    call.name ||= piece.name ?? "";
    call.argumentsJson += piece.argumentsJson ?? "";
  }
  return joined;
}

function ended(state, result, nowMs) {
  const answer = { ...state.answer };
  // The result repeats the answer only where it was asked to; what was streamed is the same.
  answer.text ||= result.answer?.text ?? "";
  answer.refusal ||= result.answer?.refusal ?? "";
  if (!answer.toolCalls.length) answer.toolCalls = result.answer?.toolCalls ?? [];
  return { ...state, phase: "done", result, answer, endMs: nowMs };
}
