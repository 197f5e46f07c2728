/** Notifications of the browser: what about, by room, and whether they may be shown at all. */

import { excerptOf } from "./rows.js";
import { recall, remember } from "./store.js";

export const LEVELS = [
  { value: "all", label: "All messages" },
  { value: "mentions", label: "Mentions of you" },
  { value: "nothing", label: "Nothing", about: "The room is not counted either." },
];

const EXCERPT = 200;

export class Notifier {
  #name;
  #levels;

  /**
   * @param {string} name of the person, whose settings these are
   * @param {(roomId: string, messageId: string) => void} onGo a notification was clicked
   */
  constructor(name, onGo) {
    this.onGo = onGo;
    this.#name = name;
    this.#levels = recall(this.#key, {});
  }

  /** @returns {"granted" | "denied" | "default" | "none"} none: this browser has none */
  get permission() {
    return globalThis.Notification?.permission ?? "none";
  }

  /** Only ever after a click: browsers want it so, and so do people. */
  async ask() {
    await Notification.requestPermission();
  }

  /** @returns {"all" | "mentions" | "nothing"} */
  level(roomId) {
    return this.#levels[roomId] ?? (roomId.startsWith("direct:") ? "all" : "mentions");
  }

  setLevel(roomId, level) {
    this.#levels = { ...this.#levels, [roomId]: level };
    remember(this.#key, this.#levels);
  }

  /**
   * Somebody said something while the page is hidden.
   *
   * @param {{roomId: string, title: string, name: string, message: object, mentioned: boolean}} news
   */
  tell({ roomId, title, name, message, mentioned }) {
    const level = this.level(roomId);
    const wanted = level === "all" || (level === "mentions" && mentioned);
    if (!wanted || this.permission !== "granted") return;
    const { messageId } = message;
    // One per room: the next takes the place of the one before.
    const options = { body: excerptOf(message).slice(0, EXCERPT), tag: `chat/${roomId}`, icon: "/static/favicon.svg" };
    let shown;
    try {
      shown = new Notification(`${name} in ${title}`, options);
    } catch {
      return; // browsers on phones have the name, but want a service worker
    }
    shown.addEventListener("click", () => {
      window.focus();
      shown.close();
      this.onGo(roomId, messageId);
    });
  }

  get #key() {
    return `chat.levels/${this.#name}`;
  }
}
