/** The chat screen around the stream: bar, status, notice, people, typing, composer. */

import { avatar, element, plural, setText } from "./text.js";

const MAX_DRAFT_LINES_PX = 168;
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

  /**
   * @param {object} handlers onSend(text), onTyping(isTyping), onLeave(), onRetryConnection(),
   *   onToken(text)
   */
  constructor(handlers) {
    this.handlers = handlers;
    this.screen = find("chat");
    this.draft = find("draft");
    find("leave").addEventListener("click", () => handlers.onLeave());
    find("notice-retry").addEventListener("click", () => handlers.onRetryConnection());
    find("notice-token-form").addEventListener("submit", (event) => this.#giveToken(event));
    this.#listenToComposer();
    this.#listenToPeople();
  }

  open(roomId) {
    this.screen.hidden = false;
    this.#draftChanged(); // a hidden field has no height to measure
    setText(find("room-name"), roomId);
    find("room-name").title = roomId;
    this.draft.focus();
  }

  close() {
    this.screen.hidden = true;
    this.screen.classList.remove("people-open");
    find("people-toggle").ariaExpanded = "false";
    find("notice").hidden = true;
    this.draft.value = "";
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

  /** @param {{members: object[], count: number, typists: string[], selfId: string}} people */
  showPeople({ members, count, typists, selfId }) {
    setText(find("room-count"), count === 0 ? "" : plural(count, "person", "people"));
    setText(find("typing-text"), typingText(typists));
    find("typing").classList.toggle("active", typists.length > 0);
    const list = find("people-list");
    const signature = JSON.stringify([members, selfId]);
    if (list.dataset.signature !== signature) {
      list.dataset.signature = signature;
      list.replaceChildren(...members.map((member) => memberNode(member, selfId)));
    }
    const more = count - members.length;
    setText(find("people-more"), more > 0 ? `and ${more.toLocaleString()} more` : "");
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

  #listenToComposer() {
    find("composer").addEventListener("submit", (event) => {
      event.preventDefault();
      this.#send();
    });
    this.draft.addEventListener("input", () => {
      this.#draftChanged();
      this.handlers.onTyping(this.draft.value.trim() !== "");
    });
    this.draft.addEventListener("keydown", (event) => {
      // On a touch keyboard Enter makes a line, the button sends.
      const touch = matchMedia("(pointer: coarse)").matches;
      if (event.key !== "Enter" || event.shiftKey || event.isComposing || touch) return;
      event.preventDefault();
      this.#send();
    });
    this.draft.addEventListener("blur", () => this.handlers.onTyping(false));
  }

  #send() {
    const text = this.draft.value.trim();
    if (text === "" || !this.handlers.onSend(text)) return;
    this.draft.value = "";
    this.#draftChanged();
    this.draft.focus();
  }

  #draftChanged() {
    find("send").disabled = this.draft.value.trim() === "";
    this.draft.style.height = "auto";
    this.draft.style.height = `${Math.min(this.draft.scrollHeight, MAX_DRAFT_LINES_PX)}px`;
  }

  #listenToPeople() {
    const toggle = find("people-toggle");
    const show = (shown) => {
      this.screen.classList.toggle("people-open", shown);
      toggle.ariaExpanded = String(shown);
    };
    toggle.addEventListener("click", () => show(toggle.ariaExpanded !== "true"));
    this.screen.addEventListener("keydown", (event) => {
      if (event.key !== "Escape" || toggle.ariaExpanded !== "true") return;
      show(false);
      toggle.focus();
    });
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

function memberNode({ userId, name }, selfId) {
  const node = element("li", "", avatar(userId, name), element("span", "name", name));
  if (userId === selfId) node.append(element("span", "you", "you"));
  return node;
}
