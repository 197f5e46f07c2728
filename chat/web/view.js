/** The chat screen around the stream: bar, status, notice, typing. */

import { element, setText } from "./text.js";

const SPOKEN = 5;
const TOLD_MS = 6_000;
const PHASE_SPOKEN = {
  connecting: "Connecting",
  online: "Online",
  waiting: "Connection lost, reconnecting",
  offline: "You are offline",
  stopped: "Disconnected",
};

const find = (id) => document.getElementById(id);

export class View {
  #tokenWish = null;
  #told = null;

  /** @param {object} handlers onRetryConnection(), onToken(text) */
  constructor(handlers) {
    this.handlers = handlers;
    this.screen = find("chat");
    find("notice-retry").addEventListener("click", () => handlers.onRetryConnection());
    find("notice-token-form").addEventListener("submit", (event) => this.#giveToken(event));
  }

  open() {
    this.screen.hidden = false;
  }

  /** @param {{title: string, sign: string, words: string}} room `words` stand under its title */
  showRoom({ title, sign, words }) {
    setText(find("room-name"), title);
    setText(find("room-sign"), sign);
    setText(find("room-words"), words);
    find("room-words").title = words;
    find("room-about").title = `About ${title}`;
  }

  close() {
    this.screen.hidden = true;
    find("notice").hidden = true;
    find("spoken").replaceChildren();
    this.#forgetTold();
  }

  /** Say something that passes. @param {string} text */
  tell(text) {
    clearTimeout(this.#told);
    setText(find("told"), text);
    this.#told = setTimeout(() => this.#forgetTold(), TOLD_MS);
  }

  /** Have a screen reader say it when it has a moment. @param {string} text */
  speak(text) {
    const spoken = find("spoken");
    spoken.append(element("p", "", text));
    while (spoken.childElementCount > SPOKEN) spoken.firstElementChild.remove();
  }

  /** @param {object} state of the connection  @param {number} now */
  showStatus({ phase, retryAt, reason, attempt, needsToken }, now) {
    find("status").dataset.phase = phase;
    find("status").title = reason ?? "";
    setText(find("status-text"), statusText(phase, retryAt, now));
    setText(find("status-spoken"), PHASE_SPOKEN[phase]);
    // A short break heals by itself before anyone has read a sentence about it.
    const lasting = phase === "waiting" ? attempt > 1 : phase === "stopped" || phase === "offline";
    if (lasting) this.#showNotice(noticeText(phase, reason), needsToken);
    else if (this.#tokenWish !== null) this.#showNotice(this.#tokenWish, true);
    else if (phase === "online") find("notice").hidden = true;
  }

  /** @param {string | null} text why a new token is wanted; null when it is not any more */
  wishToken(text) {
    this.#tokenWish = text;
  }

  /** @param {string} countText  @param {string[]} typists */
  showPeople(countText, typists) {
    setText(find("room-count"), countText);
    setText(find("typing-text"), typingText(typists));
    find("typing").classList.toggle("active", typists.length > 0);
  }

  #forgetTold() {
    clearTimeout(this.#told);
    setText(find("told"), "");
  }

  #showNotice(text, asksToken) {
    setText(find("notice-text"), text);
    find("notice-retry").hidden = asksToken;
    find("notice-token-form").hidden = !asksToken;
    find("notice").hidden = false;
  }

  #giveToken(event) {
    event.preventDefault();
    const input = find("notice-token");
    if (this.handlers.onToken(input.value)) input.value = "";
    else input.select();
  }
}

function statusText(phase, retryAt, now) {
  if (phase === "online") return "Online";
  if (phase === "stopped") return "Disconnected";
  if (phase === "connecting") return "Connecting\u2026";
  const seconds = Math.max(1, Math.ceil((retryAt - now) / 1000));
  return phase === "offline" ? `Offline, retry in ${seconds} s` : `Reconnecting in ${seconds} s`;
}

function noticeText(phase, reason) {
  if (phase === "stopped") return sentence(reason ?? "disconnected");
  const kept = "Messages you write are kept and sent when the connection is back.";
  return phase === "offline" ? `You are offline. ${kept}` : kept;
}

function sentence(text) {
  return `${text[0].toUpperCase()}${text.slice(1).replace(/\.?$/, ".")}`;
}

function typingText(names) {
  if (names.length === 0) return "";
  if (names.length === 1) return `${names[0]} is typing`;
  if (names.length === 2) return `${names[0]} and ${names[1]} are typing`;
  return `${names.length} people are typing`;
}
