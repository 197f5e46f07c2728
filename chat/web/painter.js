/** When the page is painted: once a frame at most, however much has changed. */

const HIDDEN_MS = 250; // a hidden page gets no frames at all

export class Painter {
  #paint;
  #isDue = false;

  /** @param {() => void} paint */
  constructor(paint) {
    this.#paint = paint;
  }

  soon() {
    if (this.#isDue) return;
    this.#isDue = true;
    if (document.hidden) setTimeout(() => this.now(), HIDDEN_MS);
    else requestAnimationFrame(() => this.now());
  }

  now() {
    this.#isDue = false;
    this.#paint();
  }
}
