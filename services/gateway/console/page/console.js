// The page: joins its parts.

import { recordCalls, showPool } from "./pool_panel.js";
import { AskError, poolView, sendScore } from "./event_stream.js";
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
let kept = null;
let sending = Promise.resolve();
let pool = null;

function ask() {
  const text = form.elements.question.value;
  if (!text.trim() || question?.isRunning) return;
  kept = null;
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
  const decisionId = state.result.decisionId ?? "";
  const id = keepQuestion({
    question: state.question,
    policy: state.policy,
    strategy: state.result.strategy ?? "",
    decisionId,
    costUsd: state.result.costUsd ?? 0,
    timeS: parseFloat(state.result.timing?.totalDuration ?? "0"),
    modelCount: new Set(ledger(state).map((entry) => entry.modelId)).size,
    atMs: Date.now(),
  });
  kept = { id, decisionId, thumb: null, recorded: null };
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

async function thumb(value) {
  const answer = kept;
  if (answer.recorded === value) return;
  answer.thumb = value;
  keepThumb(answer.id, value);
  showThumb(value, "Sending …");
  showHistory();
  // One after another, so that the newest is the last.
  sending = sending.then(() => sent(answer, value));
  const note = await sending;
  if (kept === answer && answer.thumb === value) showThumb(value, note);
}

/** Returns what became of a thumb. */
async function sent(answer, value) {
  if (!answer.decisionId) return "Kept in this browser alone: the router keeps no records.";
  try {
    const score = value === "up" ? 1 : 0;
    await sendScore(answer.decisionId, score, { token: token(), signal: AbortSignal.timeout(15_000) });
    answer.recorded = value;
    return "Recorded.";
  } catch (error) {
    return `Not recorded: ${error.message || "no reply came in time."}`;
  }
}

function showThumb(value, note = "") {
  for (const each of ["up", "down"]) part(`thumb-${each}`).setAttribute("aria-pressed", String(each === value));
  part("thumb-note").textContent = note;
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
