// Amounts as a person reads them, and durations as the contract writes them.

/** Returns the seconds of a duration of the contract, e.g. "1.5s"; null for none. */
export function seconds(duration) {
  if (typeof duration !== "string") return null;
  const value = Number(duration.replace(/s$/, ""));
  return Number.isFinite(value) ? value : null;
}

/** Returns a time, e.g. "340 ms" or "1.20 s". */
export function span(valueS) {
  if (valueS == null || !Number.isFinite(valueS)) return "–";
  if (valueS < 0.9995) return `${Math.round(valueS * 1000)} ms`;
  if (valueS < 100) return `${valueS.toFixed(valueS < 10 ? 2 : 1)} s`;
  return `${Math.round(valueS)} s`;
}

/** Returns dollars with two or three digits that count, e.g. "$0.00042". */
export function dollars(value) {
  if (value == null || !Number.isFinite(value)) return "–";
  if (value === 0) return "$0";
  if (Math.abs(value) >= 1) return `$${value.toFixed(2)}`;
  const digits = Math.min(9, 1 - Math.floor(Math.log10(Math.abs(value))));
  return `$${value.toFixed(digits)}`;
}

/** Returns a price per million tokens, e.g. "$0.15". */
export function price(value) {
  if (!value) return "free";
  return value >= 0.1 ? `$${value.toFixed(2)}` : dollars(value);
}

/** Returns a score in [0, 1] as per cent, e.g. "81 %". */
export function percent(value) {
  return value == null || !Number.isFinite(value) ? "–" : `${Math.round(value * 100)} %`;
}

/** Returns a count with thousands apart, e.g. "128,000". */
export function count(value) {
  return Number(value ?? 0).toLocaleString("en-US");
}

/** Returns "1 model" or "3 models". */
export function plural(number, noun) {
  return `${count(number)} ${noun}${number === 1 ? "" : "s"}`;
}

/** Returns a factor between two amounts, e.g. "16 times"; empty if it says nothing. */
export function factor(larger, smaller) {
  if (!(smaller > 0) || !(larger > 0)) return "";
  const value = larger / smaller;
  if (value < 1.05) return "";
  return `${value < 10 ? value.toFixed(1) : Math.round(value)} times`;
}
