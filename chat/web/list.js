/**
 * Rows on screen, of which only those near what is looked at are in the document.
 *
 * Above and below them stand two boxes as tall as what they stand for. Whatever changes, the row
 * that is looked at stays where it is: that is what `places` are for, of which the first that is
 * still there counts.
 */

import { Extents } from "./extents.js";

const WHOLE = 160; // so few are all there: for finding in the page, and for screen readers
const AHEAD_PX = 1_400; // above and below what is seen
const LEAST_PX = 600; // with less than this ahead, more rows are put in

/** @typedef {{key: string, offset: number}} Place where a row is, in px under the upper edge */

export class List {
  #rows = [];
  #indexes = new Map(); // by key
  #shown = new Map(); // {node, row, signature} by key
  #from = 0;
  #to = 0;
  #extents;
  #width = 0;

  /**
   * @param {HTMLElement} scroller with `.above`, `.rows` and `.below` in it
   * @param {{make: (row: object) => HTMLElement, update: (node: HTMLElement, row: object) => void,
   *   guess: (row: object, width: number) => number, onShown: () => void}} options
   */
  constructor(scroller, { make, update, guess, onShown }) {
    this.scroller = scroller;
    this.make = make;
    this.update = update;
    this.onShown = onShown;
    this.above = scroller.querySelector(".above");
    this.node = scroller.querySelector(".rows");
    this.below = scroller.querySelector(".below");
    this.#extents = new Extents((row) => guess(row, this.#width));
  }

  get rows() {
    return this.#rows;
  }

  /** @returns {HTMLElement[]} the messages in the document, from top to bottom */
  get nodes() {
    return [...this.node.children];
  }

  clear() {
    this.#rows = [];
    this.#indexes.clear();
    this.#shown.clear();
    this.#extents.forget();
    this.#extents.layOut([]);
    this.#from = 0;
    this.#to = 0;
    this.node.replaceChildren();
    this.#standIn();
  }

  /** @param {Node} node  @returns {object | undefined} the row that it shows */
  rowOf(node) {
    return this.#shown.get(node.dataset.key)?.row;
  }

  /** @param {string} key  @returns {HTMLElement | undefined} */
  nodeOf(key) {
    return this.#shown.get(key)?.node;
  }

  /** @param {object[]} rows  @param {Place[] | null} places null: the end is looked at */
  render(rows, places = this.places()) {
    this.#rows = rows;
    this.#indexes = new Map(rows.map(({ key }, index) => [key, index]));
    this.#extents.layOut(rows);
    this.#put(places);
  }

  /** Where what is looked at is; empty where nothing is. @returns {Place[]} */
  places() {
    const edge = this.scroller.getBoundingClientRect();
    const seen = [];
    for (const node of this.node.children) {
      const { top, bottom } = node.getBoundingClientRect();
      if (bottom > edge.top && top < edge.bottom) {
        seen.push({ key: node.dataset.key, offset: top - edge.top });
      }
    }
    // The nearest to the middle; but a line about a day moves to whichever message is the first of
    // it, and the first message loses its heading when another of the same person comes before it.
    const middle = this.scroller.clientHeight / 2;
    const first = this.messageBeside("", 1)?.key;
    const lasts = ({ key }) => (key.startsWith("message") && key !== first ? 0 : 1);
    const away = ({ offset }) => Math.abs(offset - middle);
    seen.sort((one, other) => lasts(one) - lasts(other) || away(one) - away(other));
    if (seen.length > 0 || this.#rows.length === 0) return seen;
    const position = this.#position();
    const index = this.#extents.at(position);
    return [{ key: this.#rows[index].key, offset: this.#extents.top(index) - position }];
  }

  /** Called whenever it was scrolled. */
  scrolled() {
    const { clientHeight } = this.scroller;
    const position = this.#position();
    const up = position - this.#extents.top(this.#from);
    const down = this.#extents.top(this.#to) - position - clientHeight;
    const enough = (this.#from === 0 || up > LEAST_PX)
      && (this.#to === this.#rows.length || down > LEAST_PX);
    if (!enough) this.#put(this.places());
  }

  /** Called when the scroller, or what is in it, is of another size. */
  resized() {
    if (this.#rows.length === 0) return;
    const places = this.places();
    if (this.scroller.clientWidth !== this.#width) {
      this.#extents.forget();
      this.#width = this.scroller.clientWidth;
      this.#extents.layOut(this.#rows);
      this.#put(places);
    } else if (this.#measure()) {
      this.#standIn();
      this.#scrollTo(places);
    }
  }

  /**
   * @param {string} key
   * @param {number} share of the height that is above it
   * @returns {HTMLElement | undefined} its node, in sight now
   */
  reveal(key, share = 0.4) {
    if (!this.#indexes.has(key)) return undefined;
    this.#put([{ key, offset: this.scroller.clientHeight * share }]);
    return this.nodeOf(key);
  }

  /** @param {string} key  @param {number} step  @returns {object | undefined} the message there */
  messageBeside(key, step) {
    const from = step > 0 ? -1 : this.#rows.length; // for no message: the first, or the last
    let index = (this.#indexes.get(key) ?? from) + step;
    while (this.#rows[index] !== undefined && this.#rows[index].kind !== "message") index += step;
    return this.#rows[index];
  }

  #put(places) {
    if (this.#width === 0) this.#width = this.scroller.clientWidth;
    const place = places?.find(({ key }) => this.#indexes.has(key));
    this.#choose(place);
    this.#reconcile();
    this.#measure();
    this.#standIn();
    if (place === undefined) this.scroller.scrollTop = this.scroller.scrollHeight;
    else this.#scrollTo([place]);
    this.onShown();
  }

  #choose(place) {
    const { clientHeight } = this.scroller;
    const count = this.#rows.length;
    this.#from = 0;
    this.#to = count;
    if (count <= WHOLE) return;
    const extents = this.#extents;
    const position = place === undefined
      ? extents.total - clientHeight
      : extents.top(this.#indexes.get(place.key)) - place.offset;
    this.#from = extents.at(position - AHEAD_PX);
    this.#to = extents.at(position + clientHeight + AHEAD_PX) + 1;
  }

  #reconcile() {
    const wanted = this.#rows.slice(this.#from, this.#to);
    const keys = new Set(wanted.map(({ key }) => key));
    for (const [key, { node }] of this.#shown) {
      if (keys.has(key)) continue;
      this.#shown.delete(key);
      // Who was in it is in the list now, not nowhere.
      if (node.contains(document.activeElement)) this.scroller.focus({ preventScroll: true });
      node.remove();
    }
    let next = this.node.firstElementChild;
    for (const row of wanted) {
      const node = this.#nodeFor(row);
      if (node === next) next = next.nextElementSibling;
      else this.node.insertBefore(node, next);
    }
  }

  #nodeFor(row) {
    let shown = this.#shown.get(row.key);
    if (shown === undefined) {
      shown = { node: this.make(row), row, signature: null };
      shown.node.dataset.key = row.key;
      this.#shown.set(row.key, shown);
    }
    if (shown.row !== row || shown.signature === null) {
      const signature = JSON.stringify(row);
      if (signature !== shown.signature) this.update(shown.node, row);
      shown.row = row;
      shown.signature = signature;
    }
    return shown.node;
  }

  /** @returns {boolean} whether one is not as tall as it was */
  #measure() {
    let changed = false;
    let edge = this.above.getBoundingClientRect().bottom;
    for (const node of this.node.children) {
      const { bottom } = node.getBoundingClientRect();
      changed = this.#extents.measure(node.dataset.key, bottom - edge) || changed;
      edge = bottom;
    }
    if (changed) this.#extents.layOut(this.#rows);
    return changed;
  }

  #standIn() {
    const { total } = this.#extents;
    this.above.style.height = `${this.#extents.top(this.#from)}px`;
    this.below.style.height = `${total - this.#extents.top(this.#to)}px`;
  }

  #scrollTo(places) {
    const place = places.find(({ key }) => this.#shown.has(key));
    if (place === undefined) return;
    const { top } = this.scroller.getBoundingClientRect();
    const off = this.nodeOf(place.key).getBoundingClientRect().top - top - place.offset;
    if (Math.abs(off) >= 0.5) this.scroller.scrollTop += off;
  }

  /** How far down in the list the upper edge of what is seen is, in px. */
  #position() {
    return this.scroller.getBoundingClientRect().top - this.above.getBoundingClientRect().top;
  }
}
