// The question and its policy: the form -> a request of the contract.

import { element, fill } from "./dom.js";

const NUMBERS = ["usdPerRightAnswer", "secondsPerRightAnswer", "maxCostUsd", "maxLayerCount", "maxLayerModelCount"];

/** Offers the strategies and presets of the router; keeps what is chosen. */
export function offerPolicies(form, info) {
  offer(form.elements.strategy, info.strategies ?? [], `Default (${info.defaultStrategy ?? "routemoa"})`);
  offer(form.elements.preset, info.presets ?? [], "None");
}

/** Returns the policy in a form; fields left out take the router's defaults. */
export function policyOf(form) {
  const policy = {};
  for (const name of ["strategy", "preset"]) {
    const { value } = form.elements[name];
    if (value) policy[name] = value;
  }
  for (const name of NUMBERS) {
    const { value } = form.elements[name];
    if (value !== "" && Number.isFinite(Number(value))) policy[name] = Number(value);
  }
  return policy;
}

/** Puts a policy into a form. */
export function setPolicy(form, policy) {
  for (const name of ["strategy", "preset"]) {
    const select = form.elements[name];
    const value = policy?.[name] ?? "";
    if (value && ![...select.options].some((option) => option.value === value)) {
      select.append(element("option", { value }, value));
    }
    select.value = value;
  }
  for (const name of NUMBERS) form.elements[name].value = policy?.[name] ?? "";
}

/** Returns the request of a question under a policy. */
export function requestOf(question, policy) {
  const messages = [{ role: "ROLE_USER", content: question }];
  return { messages, policy, rankingView: "RANKING_VIEW_FULL" };
}

function offer(select, names, first) {
  const chosen = select.value;
  fill(select, element("option", { value: "" }, first), names.map((name) => element("option", { value: name }, name)));
  select.value = names.includes(chosen) ? chosen : "";
}
