// A question -> the events of its answer, as they come.

const DATA = "data: ";

/** An error as the gateway tells it, or as the connection ends. */
export class AskError extends Error {
  constructor({ kind = "connection", message = "", code = "", problems = [], ...rest } = {}) {
    super(message);
    this.kind = kind;
    this.code = code;
    this.problems = problems;
    this.retryAfterS = rest.retryAfterS ?? null;
    this.requestId = rest.requestId ?? "";
  }
}

/** Yields the events of an answer. Aborting the signal cancels every call to a model. */
export async function* askedEvents(request, { token, signal }) {
  const response = await reached("/console/ask", {
    method: "POST",
    headers: { "content-type": "application/json", ...authorization(token) },
    body: JSON.stringify(request),
    signal,
  });
  let ended = false;
  for await (const event of messages(response.body)) {
    if (event.error) throw new AskError(event.error);
    ended ||= "result" in event;
    yield event;
  }
  if (!ended) throw new AskError({ message: "The connection ended before the answer was whole." });
}

/** Has the router record how good an answer was: 1 is good, 0 is bad. */
export async function sendScore(decisionId, score, { token, signal }) {
  await reached("/v1/feedback", {
    method: "POST",
    headers: { "content-type": "application/json", ...authorization(token) },
    body: JSON.stringify({ decision_id: decisionId, score, source: "user" }),
    signal,
  });
}

/** Returns the pool, as the router describes it. */
export async function poolView({ token, signal }) {
  const response = await reached("/console/pool", { headers: authorization(token), signal });
  return response.json();
}

/** Yields the values of a stream of server-sent events; comments only keep the connection open. */
export async function* messages(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      const whole = (rest + value).split("\n");
      rest = whole.pop();
      for (const line of whole) if (line.startsWith(DATA)) yield JSON.parse(line.slice(DATA.length));
    }
  } finally {
    reader.cancel().catch(() => {});
  }
}

async function reached(path, options) {
  let response;
  try {
    response = await fetch(path, { cache: "no-store", credentials: "same-origin", ...options });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new AskError({ message: "The gateway cannot be reached." });
  }
  if (response.ok) return response;
  throw new AskError(await told(response));
}

async function told(response) {
  const fallback = { kind: "http", message: `The gateway answered ${response.status}.` };
  try {
    return { ...fallback, ...(await response.json()).error };
  } catch {
    return fallback;
  }
}

function authorization(token) {
  return token ? { authorization: `Bearer ${token}` } : {};
}
