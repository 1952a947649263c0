// The page: joins its parts.

import { recordCalls, showPool } from "./pool_panel.js";
import { AskError, poolView } from "./event_stream.js";
import { ledger } from "./answer_state.js";
import { offerPolicies, policyOf, setPolicy } from "./policy_form.js";
import { forgetQuestions, keepQuestion, keepThumb, recentQuestions, showBudget, showRecent } from "./recent.js";
import { Question } from "./question.js";
import { setUpTheme } from "./theme.js";
import { setUpToken, token } from "./token.js";

const part = (id) => document.getElementById(id);
const form = part("ask");
const seen = new Map();
let question = null;
let keptId = null;
let pool = null;

function ask() {
  const text = form.elements.question.value;
  if (!text.trim() || question?.isRunning) return;
  keptId = null;
  part("thumbs").hidden = true;
  question = new Question(text, policyOf(form), { token: token(), onEnd: ended });
  showRunning(true);
  question.run();
}

function ended(state) {
  showRunning(false);
  recordCalls(seen, ledger(state));
  if (pool) showPool(part("pool"), pool, seen);
  if (state.error?.kind === "authentication") askForKey();
  if (state.phase !== "done") return;
  keptId = keepQuestion({
    question: state.question,
    policy: state.policy,
    strategy: state.result.strategy ?? "",
    decisionId: state.result.decisionId ?? "",
    costUsd: state.result.costUsd ?? 0,
    timeS: parseFloat(state.result.timing?.totalDuration ?? "0"),
    modelCount: new Set(ledger(state).map((entry) => entry.modelId)).size,
    atMs: Date.now(),
  });
  showThumb(null);
  part("thumbs").hidden = false;
  showHistory();
}

function showRunning(isRunning) {
  const hadFocus = [part("ask-button"), part("stop-button")].includes(document.activeElement);
  part("ask-button").hidden = isRunning;
  part("stop-button").hidden = !isRunning;
  if (hadFocus) part(isRunning ? "stop-button" : "ask-button").focus();
}

function showHistory() {
  const entries = recentQuestions();
  showRecent(part("recent"), entries, reuse);
  showBudget(part("budget"), entries);
}

function reuse(entry) {
  if (question?.isRunning) return;
  form.elements.question.value = entry.question;
  setPolicy(form, entry.policy);
  part("policy").open = true;
  form.elements.strategy.focus();
}

function thumb(value) {
  const next = part(`thumb-${value}`).getAttribute("aria-pressed") === "true" ? null : value;
  keepThumb(keptId, next);
  showThumb(next);
  showHistory();
}

function showThumb(value) {
  for (const each of ["up", "down"]) part(`thumb-${each}`).setAttribute("aria-pressed", String(each === value));
}

async function loadPool() {
  try {
    pool = await poolView({ token: token(), signal: AbortSignal.timeout(15_000) });
    showPool(part("pool"), pool, seen);
    offerPolicies(form, pool.info ?? {});
  } catch (error) {
    pool = null;
    const isRefused = error instanceof AskError && error.kind === "authentication";
    if (isRefused) askForKey();
    part("pool").textContent = isRefused ? "This gateway needs a key." : error.message || "The pool is not known.";
  }
}

function askForKey() {
  part("key-details").open = true;
  part("token").focus();
}

function keys(event) {
  if (event.key === "Escape" && question?.isRunning) question.stop();
  const isTyping = event.target.closest("input, textarea, select");
  if (event.key === "/" && !isTyping) {
    event.preventDefault();
    part("question").focus();
  }
}

function askOnEnter(event) {
  if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  ask();
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  ask();
});
part("question").addEventListener("keydown", askOnEnter);
part("stop-button").addEventListener("click", () => question?.stop());
part("pool-again").addEventListener("click", loadPool);
part("forget").addEventListener("click", () => {
  forgetQuestions();
  showHistory();
});
part("thumb-up").addEventListener("click", () => thumb("up"));
part("thumb-down").addEventListener("click", () => thumb("down"));
document.addEventListener("keydown", keys);
addEventListener("pagehide", () => question?.stop());
setUpTheme(part("theme"));
setUpToken(part("key"), part("token"), loadPool);
showHistory();
part("question").focus({ preventScroll: true });
loadPool();
