/**
 * One connection that lasts: a WebSocket, and the state machine that replaces it when it breaks.
 *
 *     stopped --start--> connecting --connected--> online
 *        ^                 ^    |                    |
 *        | 4000-4099       |    v  lost              | lost
 *        +-----------------+- waiting / offline <----+
 *
 * `waiting` reconnects at `retryAt`; `offline` is the same while the browser says that there is no
 * network; in `stopped` a person, or the application, has to do something.
 */

import { Answers } from "./answers.js";
import { isOnline, OPEN, watchEnvironment } from "./environment.js";
import { TokenNeeded } from "./errors.js";
import { afterClose, backoffMs } from "./policy.js";

const SILENCE_MS = 20_000; // then a ping asks for a sign of life
const PONG_MS = 10_000;
const PROBE_MS = 3_000; // the same, after the browser reported a change of network
const OPEN_MS = 10_000;
const TOKEN_MS = 30_000;
const STABLE_MS = 10_000; // a connection that lived this long forgets earlier failures
const TICK_MS = 1_000;
const ABNORMAL = 1006;
const UNAUTHORIZED = 4001;
const SIGNED_OUT = 4002; // the token was revoked

/** @typedef {import("./protocol.js").Command} Command */
/** @typedef {import("./protocol.js").ServerEvent} ServerEvent */
/** @typedef {import("./environment.js").WebSocketClass} WebSocketClass */
/** @typedef {import("./environment.js").WebSocketLike} WebSocketLike */
/** @typedef {ReturnType<typeof setTimeout>} Timer */
/** @typedef {"connecting" | "online" | "waiting" | "offline" | "stopped"} Phase */

/**
 * @typedef {object} ConnectionState
 * @property {Phase} phase
 * @property {number | null} retryAt when it tries again
 * @property {string | null} reason why it is not online, a sentence for a person
 * @property {number} attempt failures in a row
 * @property {boolean} needsToken stopped, because no valid token can be had
 */

/** @typedef {"connect" | "refused" | "expiring" | "upload"} TokenReason why a token is wanted */

/**
 * @typedef {object} ConnectionOptions
 * @property {string} url
 * @property {WebSocketClass} WebSocket
 * @property {(reason: TokenReason) => Promise<string>} fetchToken a token for each connection
 * @property {(event: ServerEvent) => void} onEvent every event of the server, in order
 * @property {(state: ConnectionState) => void} onState every change of phase
 */

export class Connection {
  /** @type {ConnectionState} */
  state = { phase: "stopped", retryAt: null, reason: null, attempt: 0, needsToken: false };
  maxMessageBytes = Infinity;

  #options;
  #answers = new Answers();
  #run = 0;
  /** @type {WebSocketLike | null} */
  #socket = null;
  /** @type {number | null} */
  #connectedAt = null;
  #openedAt = 0;
  #heardAt = 0;
  /** @type {number | null} */
  #pingAt = null;
  #pongLimitMs = PONG_MS;
  /** @type {number | null} */
  #drainMs = null;
  #attempt = 0;
  #token = "";
  /** @type {{token: string, why: string} | null} */
  #refused = null;
  /** @type {Timer | undefined} */
  #timer;
  /** @type {(() => void) | null} */
  #endWatch = null;

  /** @param {ConnectionOptions} options */
  constructor(options) {
    this.#options = options;
  }

  start() {
    if (this.#endWatch !== null) return;
    const ticker = setInterval(() => this.#tick(), TICK_MS);
    const endWatch = watchEnvironment(() => this.#networkChanged(), () => this.#shown());
    this.#endWatch = () => {
      clearInterval(ticker);
      endWatch();
    };
    this.#connect("connect");
  }

  /** @param {string | null} reason  @param {boolean} needsToken */
  stop(reason = null, needsToken = false) {
    this.#endWatch?.();
    this.#endWatch = null;
    this.#run += 1;
    this.#attempt = 0;
    this.#refused = null;
    this.#dropSocket();
    this.#set({ phase: "stopped", reason, needsToken });
  }

  /** Skip the wait; also the way back from `stopped`. */
  retryNow() {
    if (this.#endWatch === null) this.start();
    else if (this.state.retryAt !== null) this.#connect("connect");
  }

  /**
   * Send a command that needs no answer.
   *
   * @param {Command} command
   * @returns {boolean} whether it was handed to the socket
   */
  send(command) {
    if (this.#connectedAt === null || this.#socket?.readyState !== OPEN) return false;
    this.#socket.send(JSON.stringify(command));
    return true;
  }

  /**
   * Send a command and wait for the event that carries its id.
   *
   * @param {Command} command
   * @param {(event: any) => void} [onAnswer] gets the answer before any later event is looked at
   * @returns {Promise<any>} rejects with CommandError or ConnectionLost
   */
  request(command, onAnswer) {
    return this.#answers.ask(command, (numbered) => this.send(numbered), onAnswer);
  }

  /** @param {TokenReason} why */
  async #connect(why) {
    clearTimeout(this.#timer);
    const run = ++this.#run;
    this.#set({ phase: "connecting" });
    let token;
    try {
      token = await within(TOKEN_MS, this.#options.fetchToken(why));
    } catch (error) {
      if (run !== this.#run) return;
      const message = error instanceof Error ? error.message : String(error);
      if (error instanceof TokenNeeded) this.stop(message, true);
      else this.#wait(backoffMs(this.#attempt), "No token could be had just now.");
      return;
    }
    if (run !== this.#run) return;
    if (token === this.#refused?.token) this.stop(this.#refused.why, true);
    else this.#open(token);
  }

  /** @param {string} token */
  #open(token) {
    let socket;
    try {
      socket = new this.#options.WebSocket(this.#options.url, ["chat.v1", `chat.token.${token}`]);
    } catch (error) {
      // The address or the token has characters that no request can carry.
      this.stop(error instanceof Error ? error.message : String(error), true);
      return;
    }
    this.#token = token;
    this.#socket = socket;
    this.#openedAt = Date.now();
    socket.onmessage = (/** @type {{data: string}} */ { data }) => this.#receive(JSON.parse(data));
    socket.onclose = (/** @type {{code: number, reason: string}} */ end) => {
      this.#lost(end.code, end.reason);
    };
    socket.onerror = () => {}; // the close that follows tells; in Node an error unheard is fatal
  }

  /** @param {ServerEvent} event */
  #receive(event) {
    this.#heardAt = Date.now();
    if (event.type === "connected") {
      this.#connectedAt = this.#heardAt;
      this.#refused = null;
      this.maxMessageBytes = event.maxMessageBytes;
      this.#set({ phase: "online" });
    } else if (event.type === "drain") {
      this.#drainMs = event.reconnectAfterMs;
    }
    this.#options.onEvent(event);
    this.#answers.settle(event);
  }

  /** @param {number} code  @param {string} why */
  #lost(code, why) {
    const lived = this.#connectedAt === null ? 0 : Date.now() - this.#connectedAt;
    const drainMs = this.#drainMs;
    if (lived >= STABLE_MS) this.#attempt = 0;
    this.#dropSocket();
    const plan = afterClose({ code, drainMs, attempt: this.#attempt });
    const reason = why || "The server closed the connection.";
    if (plan.reconnect) {
      this.#wait(plan.delayMs, why || null);
    } else if (code === UNAUTHORIZED && this.#refused === null) {
      // A token that is not valid: one other may be, if there is another.
      this.#refused = { token: this.#token, why: reason };
      this.#connect("refused");
    } else {
      this.stop(reason, code === UNAUTHORIZED || code === SIGNED_OUT);
    }
  }

  /** @param {number} delayMs  @param {string | null} reason */
  #wait(delayMs, reason) {
    this.#attempt += 1;
    const phase = isOnline() ? "waiting" : "offline";
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#connect("connect"), delayMs);
    this.#set({ phase, retryAt: Date.now() + delayMs, reason }); // who hears it may call retryNow
  }

  #dropSocket() {
    clearTimeout(this.#timer);
    const socket = this.#socket;
    this.#socket = null;
    this.#connectedAt = null;
    this.#pingAt = null;
    this.#drainMs = null;
    if (socket !== null) {
      // A dead link can hold the close handshake for minutes: nobody waits for it.
      socket.onmessage = null;
      socket.onclose = null;
      socket.close();
    }
    this.#answers.abandon();
  }

  #tick() {
    if (this.#socket === null) return;
    const now = Date.now();
    if (this.#connectedAt === null) {
      if (now - this.#openedAt > OPEN_MS) this.#lost(ABNORMAL, "The server does not answer.");
    } else if (this.#pingAt !== null && this.#heardAt < this.#pingAt) {
      if (now - this.#pingAt > this.#pongLimitMs) this.#lost(ABNORMAL, "The connection went dead.");
    } else if (now - this.#heardAt > SILENCE_MS) {
      this.#ping(PONG_MS);
    }
  }

  /** @param {number} limitMs */
  #ping(limitMs) {
    if (!this.send({ type: "ping" })) return;
    this.#pingAt = Date.now();
    this.#pongLimitMs = limitMs;
  }

  // `navigator.onLine` is a hint only (a page on localhost works without a network), so a live
  // connection is probed, not dropped, and an offline browser goes on trying, only slowly.
  #networkChanged() {
    if (this.#connectedAt !== null) {
      this.#ping(PROBE_MS);
    } else if (this.state.retryAt !== null) {
      if (isOnline()) this.#attempt = 0;
      this.#wait(backoffMs(this.#attempt), this.state.reason);
    }
  }

  #shown() {
    if (this.#connectedAt !== null) this.#ping(PONG_MS);
  }

  /** @param {Partial<ConnectionState> & {phase: Phase}} state */
  #set({ phase, retryAt = null, reason = null, needsToken = false }) {
    this.state = { phase, retryAt, reason, needsToken, attempt: this.#attempt };
    this.#options.onState(this.state);
  }
}

/**
 * @template T
 * @param {number} limitMs
 * @param {Promise<T>} promise
 * @returns {Promise<T>}
 */
async function within(limitMs, promise) {
  /** @type {Timer | undefined} */
  let timer;
  /** @type {Promise<never>} */
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error("That took too long.")), limitMs);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
