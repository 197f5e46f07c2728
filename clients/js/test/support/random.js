/** Randomness that a failing test can repeat. */

export class Random {
  #state;

  constructor(seed) {
    this.#state = seed * 7919 + 1;
  }

  /** @returns {number} in [0, 1) */
  next() {
    this.#state = (this.#state * 48271) % 2147483647;
    return this.#state / 2147483647;
  }

  below(limit) {
    return Math.floor(this.next() * limit);
  }

  chance(probability) {
    return this.next() < probability;
  }

  pick(list) {
    return list[this.below(list.length)];
  }
}
