/** Files on their way to the server, over HTTP: a message then names them. */

import { ChatError, ConnectionLost } from "./errors.js";

/** @typedef {import("./protocol.js").Attachment} Attachment */

/**
 * @typedef {object} UploadRules what a server takes
 * @property {number} maxBytes of one file
 * @property {string[]} contentTypes
 * @property {number} maxAttachments of one message
 */

/**
 * @typedef {object} UploadOptions
 * @property {string} [name] what it is called; that of a File by default
 * @property {(sent: number, total: number) => void} [onProgress] bytes; where there is an
 *   XMLHttpRequest, as browsers have it
 * @property {AbortSignal} [signal] gives it up
 */

/** @typedef {{status: number, text: string, retryAfter: string | null}} Answer */

/** The server does not take a file. */
export class UploadRefused extends ChatError {
  /** @param {{code?: string, detail?: string, retryAfterMs?: number}} problem */
  constructor({ code = "internal", detail = "The server did not take the file.", retryAfterMs }) {
    super(detail);
    /** Stable: `file_too_large`, `file_type_refused`, `rate_limited` ... */
    this.code = code;
    /** After how long the same may succeed, where the server says so. */
    this.retryAfterMs = retryAfterMs;
  }
}

export class Uploads {
  #base;
  #token;

  /**
   * @param {string} base origin of the server's HTTP side
   * @param {() => Promise<string>} token asked for each upload
   */
  constructor(base, token) {
    this.#base = base;
    this.#token = token;
  }

  /**
   * What may be uploaded.
   *
   * @returns {Promise<UploadRules | null>} null where nothing may; rejects with ConnectionLost
   */
  async rules() {
    const answer = await byFetch("GET", `${this.#base}/api/v1/uploads`, {}, undefined, undefined);
    if (answer.status === 200) return JSON.parse(answer.text);
    if (answer.status === 404 || answer.status === 501) return null;
    throw new ConnectionLost(`The server answered ${answer.status}.`);
  }

  /**
   * Upload one file for a room.
   *
   * @param {string} roomId
   * @param {Blob} file
   * @param {UploadOptions} options
   * @returns {Promise<Attachment>} for `send`; rejects with UploadRefused, with ConnectionLost when
   *   it may be tried again, and with the signal's reason
   */
  async upload(roomId, file, { name, onProgress, signal } = {}) {
    const called = name ?? /** @type {{name?: string}} */ (file).name ?? "";
    const token = await this.#token();
    signal?.throwIfAborted();
    const query = new URLSearchParams({ name: called });
    const url = `${this.#base}/api/v1/rooms/${encodeURIComponent(roomId)}/files?${query}`;
    const headers = { Authorization: `Bearer ${token}` };
    const withProgress = onProgress !== undefined && "XMLHttpRequest" in globalThis;
    const answer = withProgress
      ? await byXhr(url, headers, file, onProgress, signal)
      : await byFetch("POST", url, headers, file, signal);
    if (answer.status !== 201) throw new UploadRefused(problemOf(answer));
    return JSON.parse(answer.text);
  }
}

/**
 * The HTTP side of the server that a WebSocket's address leads to.
 *
 * @param {string} url
 */
export function httpBase(url) {
  const { protocol, host } = new URL(url);
  return `${protocol.replace(/^ws/, "http")}//${host}`;
}

/**
 * @param {string} method
 * @param {string} url
 * @param {Record<string, string>} headers
 * @param {Blob | undefined} body
 * @param {AbortSignal | undefined} signal
 * @returns {Promise<Answer>}
 */
async function byFetch(method, url, headers, body, signal) {
  try {
    const answer = await fetch(url, { method, headers, body, signal });
    const retryAfter = answer.headers.get("Retry-After");
    return { status: answer.status, text: await answer.text(), retryAfter };
  } catch (error) {
    if (signal?.aborted) throw signal.reason;
    throw new ConnectionLost(error instanceof Error ? error.message : String(error));
  }
}

/**
 * As `byFetch`, which in no browser tells how much is sent.
 *
 * @param {string} url
 * @param {Record<string, string>} headers
 * @param {Blob} body
 * @param {(sent: number, total: number) => void} onProgress
 * @param {AbortSignal | undefined} signal
 * @returns {Promise<Answer>}
 */
function byXhr(url, headers, body, onProgress, signal) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    const abort = () => request.abort();
    request.open("POST", url);
    for (const [name, text] of Object.entries(headers)) request.setRequestHeader(name, text);
    request.upload.onprogress = ({ loaded, total }) => onProgress(loaded, total);
    request.onload = () => {
      const retryAfter = request.getResponseHeader("Retry-After");
      resolve({ status: request.status, text: request.responseText, retryAfter });
    };
    request.onerror = () => reject(new ConnectionLost("The upload broke off."));
    request.onabort = () => reject(signal?.reason ?? new ConnectionLost("The upload was ended."));
    request.onloadend = () => signal?.removeEventListener("abort", abort);
    signal?.addEventListener("abort", abort);
    request.send(body);
  });
}

/**
 * @param {Answer} answer
 * @returns {{code?: string, detail?: string, retryAfterMs?: number}}
 */
function problemOf({ status, text, retryAfter }) {
  try {
    return JSON.parse(text);
  } catch {
    // A proxy's own refusal is no problem document.
    const retryAfterMs = retryAfter === null ? undefined : Number(retryAfter) * 1000;
    const code = status === 413 ? "file_too_large" : "internal";
    return { code, detail: `The server answered ${status}.`, retryAfterMs };
  }
}
