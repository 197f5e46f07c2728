/**
 * One connection that lasts: a WebSocket, and the state machine that replaces it when it breaks.
 *
 * Phases: connecting, online, waiting (reconnects at `retryAt`), offline (the same, while the
 * browser says that there is no network), stopped (a person has to do something).
 */

import { afterClose, backoffMs } from "./policy.js";

const SILENCE_MS = 20_000; // then a ping asks for a sign of life
const PONG_MS = 10_000;
const PROBE_MS = 3_000; // the same, after the browser reported a change of network
const OPEN_MS = 10_000;
const STABLE_MS = 5_000; // a connection that lived this long forgets earlier failures
const TICK_MS = 1_000;
const ANSWER_MS = 15_000;
const ABNORMAL = 1006;

/** The server refused a command; fields are those of the `error` event. */
export class CommandError extends Error {
  constructor({ code, message, retryAfterMs, uncertain = false }) {
    super(message);
    Object.assign(this, { code, retryAfterMs, uncertain });
  }
}

/** The connection ended, or stayed silent, before the answer came. */
export class ConnectionLost extends Error {}

/** No token can be had without a person. */
export class TokenNeeded extends Error {}

export class Connection {
  state = { phase: "stopped", retryAt: null, reason: null, attempt: 0, needsToken: false };
  limits = { maxMessageBytes: Infinity };

  #run = 0;
  #socket = null;
  #connectedAt = null;
  #openedAt = 0;
  #heardAt = 0;
  #pingAt = null;
  #pongLimitMs = PONG_MS;
  #drainMs = null;
  #attempt = 0;
  #timer = null;
  #ticker = null;
  #nextId = 1;
  #waiting = new Map();

  /**
   * @param {object} options
   * @param {string} options.url ws(s) address
   * @param {() => Promise<string>} options.fetchToken a fresh token for each connection
   * @param {(event: object) => void} options.onEvent every event of the server, in order
   * @param {(state: object) => void} options.onState every change of phase
   */
  constructor({ url, fetchToken, onEvent, onState }) {
    Object.assign(this, { url, fetchToken, onEvent, onState });
  }

  start() {
    if (this.#ticker !== null) return;
    this.#ticker = setInterval(() => this.#tick(), TICK_MS);
    addEventListener("online", this.#networkChanged);
    addEventListener("offline", this.#networkChanged);
    document.addEventListener("visibilitychange", this.#shown);
    this.#connect();
  }

  stop(reason = null, needsToken = false) {
    clearInterval(this.#ticker);
    this.#ticker = null;
    removeEventListener("online", this.#networkChanged);
    removeEventListener("offline", this.#networkChanged);
    document.removeEventListener("visibilitychange", this.#shown);
    this.#run += 1;
    this.#attempt = 0;
    this.#dropSocket();
    this.#set({ phase: "stopped", reason, needsToken });
  }

  /** Skip the wait; also the way back from `stopped`. */
  retryNow() {
    if (this.#ticker === null) this.start();
    else if (this.state.retryAt !== null) this.#connect();
  }

  /** Send a command that needs no answer. Returns whether it was handed to the socket. */
  send(command) {
    if (this.#connectedAt === null || this.#socket.readyState !== WebSocket.OPEN) return false;
    this.#socket.send(JSON.stringify(command));
    return true;
  }

  /**
   * Send a command and wait for the event that carries its id.
   *
   * Rejects with CommandError or ConnectionLost.
   */
  request(command) {
    const id = this.#nextId++;
    return new Promise((resolve, reject) => {
      if (!this.send({ ...command, id })) {
        reject(new ConnectionLost("not connected"));
        return;
      }
      const timer = setTimeout(() => {
        this.#waiting.delete(id);
        reject(new ConnectionLost("no answer"));
      }, ANSWER_MS);
      this.#waiting.set(id, { resolve, reject, timer });
    });
  }

  async #connect() {
    clearTimeout(this.#timer);
    const run = ++this.#run;
    this.#set({ phase: "connecting" });
    let token;
    try {
      token = await this.fetchToken();
    } catch (error) {
      if (run !== this.#run) return;
      if (error instanceof TokenNeeded) this.stop(error.message, true);
      else this.#wait(backoffMs(this.#attempt), "The server does not answer.");
      return;
    }
    if (run === this.#run) this.#open(token);
  }

  #open(token) {
    const socket = new WebSocket(this.url, ["chat.v1", `chat.token.${token}`]);
    this.#socket = socket;
    this.#openedAt = Date.now();
    socket.onmessage = ({ data }) => this.#receive(JSON.parse(data));
    socket.onclose = ({ code, reason }) => this.#lost(code, reason);
  }

  #receive(event) {
    this.#heardAt = Date.now();
    if (event.type === "connected") {
      this.#connectedAt = this.#heardAt;
      this.limits = { maxMessageBytes: event.maxMessageBytes };
      this.#set({ phase: "online" });
    } else if (event.type === "drain") {
      this.#drainMs = event.reconnectAfterMs;
    }
    this.onEvent(event);
    this.#settle(event);
  }

  #settle(event) {
    const waiting = this.#waiting.get(event.id);
    if (waiting === undefined) return;
    this.#waiting.delete(event.id);
    clearTimeout(waiting.timer);
    if (event.type === "error") waiting.reject(new CommandError(event));
    else waiting.resolve(event);
  }

  #lost(code, reason) {
    const lived = this.#connectedAt === null ? 0 : Date.now() - this.#connectedAt;
    const drainMs = this.#drainMs;
    if (lived >= STABLE_MS) this.#attempt = 0;
    this.#dropSocket();
    const plan = afterClose({ code, drainMs, attempt: this.#attempt });
    if (plan.reconnect) this.#wait(plan.delayMs, reason || null);
    else this.stop(reason || "The server closed the connection.", code === 4001);
  }

  #wait(delayMs, reason) {
    this.#attempt += 1;
    const phase = navigator.onLine ? "waiting" : "offline";
    this.#set({ phase, retryAt: Date.now() + delayMs, reason });
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#connect(), delayMs);
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
    for (const { reject, timer } of this.#waiting.values()) {
      clearTimeout(timer);
      reject(new ConnectionLost("connection lost"));
    }
    this.#waiting.clear();
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

  #ping(limitMs) {
    if (!this.send({ type: "ping" })) return;
    this.#pingAt = Date.now();
    this.#pongLimitMs = limitMs;
  }

  // `navigator.onLine` is a hint only (a page on localhost works without a network), so a live
  // connection is probed, not dropped, and an offline browser goes on trying, only slowly.
  #networkChanged = () => {
    if (this.#connectedAt !== null) {
      this.#ping(PROBE_MS);
    } else if (this.state.retryAt !== null) {
      if (navigator.onLine) this.#attempt = 0;
      this.#wait(backoffMs(this.#attempt), this.state.reason);
    }
  };

  #shown = () => {
    if (!document.hidden && this.#connectedAt !== null) this.#ping(PONG_MS);
  };

  #set({ phase, retryAt = null, reason = null, needsToken = false }) {
    this.state = { phase, retryAt, reason, needsToken, attempt: this.#attempt };
    this.onState(this.state);
  }
}
