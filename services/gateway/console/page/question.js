// One question at work: its stream, its state, and what the page shows of it.

import { advanced, asked, failed, isRunning, stopped } from "./answer_state.js";
import { showFinalAnswer } from "./answers_view.js";
import { element, fill } from "./dom.js";
import { askedEvents } from "./event_stream.js";
import { showLanes } from "./lanes_view.js";
import { layerPanel } from "./layer_panel.js";
import { requestOf } from "./policy_form.js";
import { problemView, statusWords } from "./status_view.js";
import { summaryView } from "./summary_view.js";

const FRAME_MS = 60;
const CALM_FRAME_MS = 500;
const LONG_TEXT = 20_000;
const part = (id) => document.getElementById(id);

export class Question {
  #state;
  #token;
  #onEnd;
  #stopping = new AbortController();
  #startMs = performance.now();
  #frame = 0;
  #openLayers = new Set();

  constructor(text, policy, { token, onEnd }) {
    this.#state = asked(text, policy);
    this.#token = token;
    this.#onEnd = onEnd;
  }

  get isRunning() {
    return isRunning(this.#state);
  }

  /** Asks, and shows what comes until the answer is whole, has failed or was stopped. */
  async run() {
    this.#showBeginning();
    this.#animate();
    const request = requestOf(this.#state.question, this.#state.policy);
    try {
      for await (const event of askedEvents(request, { token: this.#token, signal: this.#stopping.signal })) {
        this.#take(event);
      }
    } catch (error) {
      const isStopped = this.#stopping.signal.aborted;
      this.#state = isStopped ? stopped(this.#state, this.#now()) : failed(this.#state, error, this.#now());
    }
    cancelAnimationFrame(this.#frame);
    this.#showEnd();
    this.#onEnd(this.#state);
  }

  /** Stops the answer; the gateway then cancels every call to a model. */
  stop() {
    if (this.isRunning) this.#stopping.abort();
  }

  #now() {
    return performance.now() - this.#startMs;
  }

  #take(event) {
    this.#state = advanced(this.#state, event, this.#now());
    if (event.routing || event.layer) this.#showLayers();
    if (!event.delta) this.#showStatus();
  }

  #animate() {
    const isCalm = matchMedia("(prefers-reduced-motion: reduce)").matches;
    let drawnMs = -Infinity;
    let drawnState = null;
    const draw = (atMs) => {
      const pauseMs = isCalm || this.#state.answer.text.length > LONG_TEXT ? CALM_FRAME_MS : FRAME_MS;
      if (atMs - drawnMs >= pauseMs) {
        drawnMs = atMs;
        showLanes(part("lanes"), this.#state, this.#now());
        if (drawnState?.answer !== this.#state.answer) this.#showAnswer();
        if (drawnState?.phase !== this.#state.phase) this.#showStatus();
        drawnState = this.#state;
      }
      this.#frame = requestAnimationFrame(draw);
    };
    this.#frame = requestAnimationFrame(draw);
  }

  #showBeginning() {
    part("problem").hidden = true;
    part("answer").hidden = false;
    part("answer-text").setAttribute("aria-busy", "true");
    part("timeline").hidden = false;
    fill(part("layers"));
    fill(part("summary"));
    this.#showAnswer();
    this.#showStatus();
  }

  #showEnd() {
    showLanes(part("lanes"), this.#state, this.#now());
    this.#showLayers();
    this.#showAnswer();
    this.#showStatus();
    fill(part("summary"), summaryView(this.#state));
    part("answer-text").setAttribute("aria-busy", "false");
    const { text, refusal, toolCalls } = this.#state.answer;
    if (!text && !refusal && !toolCalls.length) part("answer").hidden = true;
    if (this.#state.error) {
      fill(part("problem"), problemView(this.#state.error));
      part("problem").hidden = false;
    }
  }

  #showLayers() {
    const panels = this.#state.layers.map((layer) => layerPanel(layer, this.#openLayers));
    fill(part("layers"), panels);
  }

  #showAnswer() {
    showFinalAnswer(
      {
        text: part("answer-text"),
        tools: part("answer-tools"),
        reasoning: part("reasoning"),
        reasoningText: part("reasoning-text"),
        writer: part("answer-writer"),
        tokens: part("answer-tokens"),
      },
      this.#state,
    );
  }

  #showStatus() {
    const words = statusWords(this.#state);
    if (part("status").textContent === words) return;
    const mark = this.isRunning ? element("span", { class: "pulse", "aria-hidden": "true" }) : null;
    fill(part("status"), mark, words);
  }
}
