// The pool beside the question: models, prices, capabilities, health of replicas.

import { count, percent, plural, price, seconds, span } from "./amounts.js";
import { element, fill } from "./dom.js";
import { capability } from "./words.js";

/** Shows the pool. `seen` has what this page saw of each model's calls. */
export function showPool(parent, pool, seen) {
  const models = pool.models ?? [];
  fill(
    parent,
    element("p", { class: "quiet" }, poolWords(pool)),
    element("ul", { class: "pool" }, models.map((model) => modelRow(model, pool.health?.[model.modelId], seen.get(model.modelId)))),
  );
}

/** Records the calls of an answer in what this page has seen of each model. */
export function recordCalls(seen, entries) {
  for (const entry of entries) {
    const known = seen.get(entry.modelId) ?? { calls: 0, failed: 0, firstTokensS: [] };
    const isFailure = !["CALL_STATUS_OK", "CALL_STATUS_CANCELLED"].includes(entry.status);
    const firstS = seconds(entry.timeToFirstToken);
    seen.set(entry.modelId, {
      calls: known.calls + 1,
      failed: known.failed + (isFailure ? 1 : 0),
      firstTokensS: firstS === null ? known.firstTokensS : [...known.firstTokensS, firstS].slice(-50),
    });
  }
}

function poolWords({ models = [], info = {} }) {
  const most = seconds(info.maxDuration);
  const limit = most ? `, at most ${span(most)} per answer` : "";
  return `${plural(models.length, "model")}${limit}.`;
}

function modelRow(model, health, seen) {
  const capabilities = (model.capabilities ?? []).map((each) => capability(each));
  return element(
    "li",
    { "data-model": model.modelId },
    element("div", { class: "pool-head" }, element("bdi", { class: "model" }, model.modelId), healthDot(health, seen)),
    element("p", { class: "quiet" }, priceWords(model)),
    element("p", { class: "quiet" }, speedWords(model, seen)),
    capabilities.length ? element("p", { class: "tags" }, capabilities.map((name) => element("span", { class: "tag" }, name))) : null,
  );
}

function priceWords(model) {
  const read = model.promptPriceUsdPerMillionTokens;
  const written = model.completionPriceUsdPerMillionTokens;
  const prices = read || written ? `${price(read)} in · ${price(written)} out per M tokens` : "free";
  return `${prices} · ${count(model.contextWindowTokenCount)} tokens of context`;
}

function speedWords(model, seen) {
  const parts = [`${span(seconds(model.medianLatency))} per reply, as configured`];
  if (seen?.firstTokensS.length) parts.push(`first token ${span(median(seen.firstTokensS))} here`);
  return parts.join(" · ");
}

/** Returns the health of a model in words beside a mark: a filled one is well, a ring is not. */
function healthDot(health, seen) {
  const { words, isWell } = healthWords(health, seen);
  if (!words) return null;
  return element("span", { class: isWell ? "health well" : "health ill" }, words);
}

function healthWords(health, seen) {
  if (health?.replicas) {
    const live = health.replicas - health.ejected;
    return { words: `${live} of ${plural(health.replicas, "replica")}`, isWell: live === health.replicas };
  }
  if (seen?.calls) {
    const share = seen.failed / seen.calls;
    const words = share ? `${percent(share)} of ${plural(seen.calls, "call")} failed` : `${plural(seen.calls, "call")}, none failed`;
    return { words, isWell: share === 0 };
  }
  return { words: "", isWell: true };
}

function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)];
}
