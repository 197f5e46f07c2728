/** How tall rows are, and so where each is: measured, or guessed where none has been. Pure. */

export class Extents {
  #guess;
  #measured = new Map(); // px by key
  #keys = [];
  #tops = new Float64Array(1);

  /** @param {(row: object) => number} guess px of a row that was never on screen */
  constructor(guess) {
    this.#guess = guess;
  }

  get total() {
    return this.#tops[this.#keys.length];
  }

  /** @param {object[]} rows with a `key`, from top to bottom */
  layOut(rows) {
    if (this.#measured.size > 2 * rows.length + 1_000) this.#forgetAllBut(rows);
    if (this.#tops.length < rows.length + 1) this.#tops = new Float64Array(2 * rows.length + 1);
    this.#keys = rows.map(({ key }) => key);
    let top = 0;
    for (const [index, row] of rows.entries()) {
      this.#tops[index] = top;
      top += this.#measured.get(row.key) ?? this.#guess(row);
    }
    this.#tops[rows.length] = top;
  }

  /** @param {number} index up to the number of rows: the bottom of the last one */
  top(index) {
    return this.#tops[index];
  }

  /** @param {number} px from the top of the first row  @returns {number} the row that is there */
  at(px) {
    let low = 0;
    let high = this.#keys.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.#tops[middle] <= px) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  /** @returns {boolean} whether that is news; then they are to be laid out again */
  measure(key, px) {
    if (this.#measured.get(key) === px) return false;
    this.#measured.set(key, px);
    return true;
  }

  /** Another width: nothing is as tall as it was. */
  forget() {
    this.#measured.clear();
  }

  #forgetAllBut(rows) {
    const kept = new Map();
    for (const { key } of rows) {
      if (this.#measured.has(key)) kept.set(key, this.#measured.get(key));
    }
    this.#measured = kept;
  }
}
