// Names of the contract's enums -> words.

const SELECTION = {
  RANK: "runs: ranks high",
  TEAM: "runs: completes the team",
  SAFE: "runs: a safe model, the ranking is uncertain",
  STRATEGY: "runs: the strategy wants it",
  SESSION: "runs: the conversation is with it",
  SCORE_GAP: "score too far below the best",
  COST_LIMIT: "could cost more than is left",
  LATENCY_LIMIT: "expected to take too long",
  TOKEN_LIMIT: "could take more tokens than are left",
  LAYER_FULL: "the layer is full",
  UNAVAILABLE: "no replica takes calls now",
  CAPABILITY: "lacks a capability that is needed",
};

const STATUS = {
  OK: "whole",
  TIMEOUT: "too late",
  RATE_LIMITED: "rate limited",
  REJECTED: "rejected",
  BACKEND_ERROR: "backend error",
  UNREACHABLE: "unreachable",
  MALFORMED: "malformed",
  INTERRUPTED: "broke off",
  CANCELLED: "cancelled",
  EMPTY: "empty",
};

const STOP = {
  SCORE: "an answer reached the stopping score",
  LAYER_LIMIT: "all layers allowed have run",
  COST_LIMIT: "another layer could cost more than is left",
  CALL_LIMIT: "all calls allowed have been made",
  DEADLINE: "the time left is too short for another layer",
  AGREEMENT: "the models agree",
  NO_MODEL: "no model is left that could run",
  TOKEN_LIMIT: "another layer could take more tokens than are left",
  NO_GAIN: "another layer would not change the answer",
  COMPLETE: "the strategy has done all that it does",
  MODERATOR: "the moderator ended the debate",
};

const SUBSTITUTE = {
  POOL_PRIORS: "the pool file's scores",
  PRIOR_SCORES: "the scorer's scores, uncorrected",
  BEST_ANSWER: "the best answer, as it is",
  SAFE_MODELS: "the pool's safe models",
  MEAN_PRIOR: "guesses, for models that the scorer does not know",
  EQUAL_WEIGHTS: "the same weights for all models",
};

const FINISH = {
  LENGTH: "cut off at the token limit",
  CONTENT_FILTER: "cut off by a content filter",
  TOOL_CALLS: "asks for tools",
  REFUSAL: "refused",
};

const ATTEMPT = { RETRY: "retry", HEDGE: "hedged", RESUME: "resumed" };

const PURPOSE = { AGGREGATION: "merges", SELECTION: "chooses answers", MODERATION: "moderates" };

/** Returns an enum's value without the prefix of its type, in words: "CALL_STATUS_OK" -> "ok". */
export function plain(value, prefix) {
  return String(value ?? "").replace(prefix, "").toLowerCase().replaceAll("_", " ");
}

function worded(words, prefix) {
  return (value) => {
    const name = String(value ?? "").replace(prefix, "");
    if (!name || name === "UNSPECIFIED") return "";
    return Object.hasOwn(words, name) ? words[name] : plain(value, prefix);
  };
}

export const selectionReason = worded(SELECTION, "SELECTION_REASON_");
export const callStatus = worded(STATUS, "CALL_STATUS_");
export const stopReason = worded(STOP, "STOP_REASON_");
export const substitute = worded(SUBSTITUTE, "SUBSTITUTE_");
export const dependency = worded({}, "DEPENDENCY_");
export const finishReason = worded(FINISH, "FINISH_REASON_");
export const attemptKind = worded({ FIRST: "", ...ATTEMPT }, "ATTEMPT_KIND_");
export const callPurpose = worded({ ANSWER: "", ...PURPOSE }, "CALL_PURPOSE_");
export const capability = worded({}, "CAPABILITY_");
