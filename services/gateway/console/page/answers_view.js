// The answers of a layer side by side: what agrees, what contradicts, and the grades.

import { count, dollars, percent, plural, seconds, span } from "./amounts.js";
import { element, fill, shape } from "./dom.js";
import { showMarkdown } from "./markdown.js";
import { finishReason } from "./words.js";

const LETTERS = "ABCDEFGHIJKLMNOP";

/** Returns the answers of a layer that has run. */
export function answersView(layer) {
  const answers = layer.report?.answers ?? [];
  if (!answers.length) return element("p", { class: "quiet" }, "No model answered in this layer.");
  const letters = groupLetters(layer.agreement);
  return element(
    "div",
    {},
    element("p", { class: "verdict" }, agreementWords(layer.agreement)),
    element("div", { class: "answers" }, answers.map((answer) => card(answer, layer, letters))),
    gradeTable(answers),
  );
}

/** Returns what the answers of a layer have in common, in a sentence. */
export function agreementWords(groups) {
  const compared = groups.filter((group) => group.finalAnswer !== null);
  const total = groups.reduce((sum, group) => sum + group.modelIds.length, 0);
  const largest = groups[0]?.modelIds.length ?? 0;
  if (total === 1) return "One answer.";
  if (largest === total) return `All ${total} answers agree.`;
  if (compared.length > 1) {
    const most = largest > 1 ? `; ${largest} of ${total} agree` : "";
    return `The answers contradict each other${most}.`;
  }
  if (largest > 1) return `${largest} of ${total} answers agree; the others cannot be compared.`;
  return `${total} answers in open words, which cannot be compared.`;
}

function groupLetters(groups) {
  const letters = new Map();
  const named = groups.filter((group) => group.finalAnswer !== null || group.modelIds.length > 1);
  named.forEach((group, index) => {
    const letter = LETTERS[index] ?? "–";
    for (const modelId of group.modelIds) letters.set(modelId, { letter, group, leads: index === 0 });
  });
  return letters;
}

function card(answer, layer, letters) {
  const assessment = (layer.report.assessments ?? []).find((each) => each.modelId === answer.modelId);
  const calls = (layer.report.usage ?? []).filter((entry) => entry.modelId === answer.modelId);
  const cost = calls.reduce((sum, entry) => sum + (entry.costUsd ?? 0), 0);
  const whole = calls.find((entry) => entry.status === "CALL_STATUS_OK");
  const figures = [
    plural(answer.completionTokenCount ?? 0, "token"),
    dollars(cost),
    span(seconds(whole?.duration)),
    finishReason(answer.finishReason),
  ];
  const body = element("div", { class: "prose answer-text", tabindex: 0, dir: "auto" });
  showMarkdown(body, answer.text || answer.refusal || "");
  return element(
    "article",
    { class: "card", "data-model": answer.modelId },
    element("header", {}, element("bdi", { class: "model" }, answer.modelId), groupBadge(letters.get(answer.modelId))),
    body,
    toolCallsView(answer.toolCalls ?? []),
    meters(assessment),
    element("footer", { class: "quiet" }, figures.filter((figure) => figure && figure !== "stop").join(" · ")),
  );
}

function groupBadge(placed) {
  if (!placed) return null;
  const { letter, group, leads } = placed;
  const final = group.finalAnswer === null ? "" : `: ${group.finalAnswer}`;
  const label = `Answer ${letter}${final}, given by ${plural(group.modelIds.length, "model")}`;
  return element("span", { class: leads ? "badge leads" : "badge", title: label, "aria-label": label, role: "img" }, letter);
}

function meters(assessment) {
  if (!assessment) return null;
  const rows = [
    ["own score", assessment.selfScore],
    ["others’ grades", assessment.crossScore],
    ["after grading", assessment.posteriorScore],
  ];
  return element(
    "dl",
    { class: "meters" },
    rows.map(([name, value]) =>
      value == null ? null : element("div", {}, element("dt", {}, name), element("dd", {}, meter(value), percent(value))),
    ),
  );
}

function meter(value) {
  const width = `${Math.min(1, Math.max(0, value)) * 100}%`;
  return shape(
    "svg",
    { class: "bar", "aria-hidden": "true", width: "100%", height: 5 },
    shape("rect", { class: "track", width: "100%", height: 5, rx: 2.5 }),
    shape("rect", { class: "value", width, height: 5, rx: 2.5 }),
  );
}

/** Returns who graded whom, where the models graded answers of the layer before. */
function gradeTable(answers) {
  const graders = answers.filter((answer) => answer.grades?.length);
  if (!graders.length) return null;
  const graded = [...new Set(graders.flatMap((answer) => answer.grades.map((grade) => grade.modelId)))];
  const gradeOf = (answer, modelId) => answer.grades.find((grade) => grade.modelId === modelId)?.score;
  return element(
    "details",
    { class: "more" },
    element("summary", {}, "Grades of the layer before"),
    element(
      "div",
      { class: "scrolls", tabindex: 0 },
      element(
        "table",
        {},
        element("thead", {}, element("tr", {}, element("th", {}, "graded by"), graded.map((id) => element("th", {}, element("bdi", {}, id))))),
        element(
          "tbody",
          {},
          graders.map((answer) =>
            element("tr", {}, element("th", {}, element("bdi", {}, answer.modelId)), graded.map((id) => element("td", {}, percent(gradeOf(answer, id))))),
          ),
        ),
      ),
    ),
  );
}

/** Returns the calls to tools that an answer asks for, as text. */
export function toolCallsView(calls) {
  if (!calls.length) return null;
  return element(
    "ul",
    { class: "tool-calls" },
    calls.map((call) =>
      element("li", {}, element("span", { class: "tag" }, "tool"), element("code", {}, `${call.name}(${call.argumentsJson ?? ""})`)),
    ),
  );
}

/** Shows the final answer as it streams, with its reasoning, refusal and calls to tools. */
export function showFinalAnswer(parts, state) {
  const { text, reasoning, refusal, toolCalls } = state.answer;
  parts.reasoning.hidden = !reasoning;
  parts.reasoningText.textContent = reasoning;
  showMarkdown(parts.text, text || refusal);
  fill(parts.tools, toolCallsView(toolCalls));
  const tokens = state.result?.answer?.completionTokenCount;
  parts.writer.textContent = state.result?.answer?.modelId ?? "";
  parts.tokens.textContent = tokens ? ` · ${count(tokens)} tokens` : "";
}
