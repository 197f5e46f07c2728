/** The panel of one thread: its root, its replies, and where one answers in it. */

import { lastOwn } from "./acts.js";
import { Composer } from "./composer.js";
import { threadRows } from "./rows.js";
import { Stream } from "./stream.js";
import { setText } from "./text.js";
import { Tray } from "./tray.js";

const find = (id) => document.getElementById(id);

export class ThreadPanel {
  #thread = null; // of the SDK, while one is open

  /**
   * @param {import("./acts.js").Acts} acts
   * @param {{onShown: (nodes: HTMLElement[]) => void, onReport: (row: object) => void,
   *   onTell: (text: string) => void}} handlers
   */
  constructor(acts, { onShown, onMore, onReport, onTell }) {
    this.stream = new Stream(find("thread"), {
      onOlder: () => this.#thread.loadOlder(),
      onRetry: (id) => acts.retry(id),
      onDiscard: (id) => acts.discard(id),
      onReact: (row, reaction) => acts.react(row, reaction),
      onMore: onMore,
      onEdit: (row) => this.composer.edit(row),
      onDelete: (row) => acts.delete(row),
      onReport,
      onBack: () => this.composer.focus(),
      onShown,
    });
    const names = { id: "thread-draft", label: "Reply in the thread" };
    this.composer = new Composer(find("thread-composer"), names, {
      onSend: (text, about) => {
        const along = this.tray.along(about);
        const taken = acts.send(text, about, { threadId: this.#thread.rootId, ...along });
        if (taken && about?.kind !== "edit") this.stream.scrollToEnd();
        return taken;
      },
      onTyping: (isTyping) => acts.typing(isTyping),
      onEditLast: () => {
        const row = lastOwn(this.stream.list.rows);
        if (row !== undefined) this.composer.edit(row);
        return row !== undefined;
      },
      people: () => acts.people(),
    });
    this.tray = new Tray(this.composer, find("thread"), onTell);
  }

  /** @returns {string | null} messageId of the root of the thread that is open */
  get rootId() {
    return this.#thread?.rootId ?? null;
  }

  /** @param {object} room  @param {string} rootId  @param {string} title of the room */
  open(room, rootId, title) {
    if (this.rootId === rootId) {
      this.stream.enter();
      return;
    }
    this.close();
    this.#thread = room.openThread(rootId);
    setText(find("thread-room"), title);
    this.stream.clear();
    this.tray.open(room, rootId);
    this.composer.open(`${room.roomId}/${rootId}`);
    this.stream.enter();
  }

  close() {
    if (this.#thread === null) return;
    this.#thread.close();
    this.#thread = null;
    this.composer.open(""); // the draft is kept for the next time
    this.stream.clear();
  }

  /** No room is open any more: drafts are forgotten, too. */
  forget() {
    this.close();
    this.tray.open(null);
    this.composer.open(null);
  }

  /** @param {object} scene of `rows.js`, of the room that the thread is in */
  render(scene) {
    if (this.#thread === null) return;
    const { entries, hasOlder, state, rootId } = this.#thread;
    const rows = threadRows({ ...scene, entries }, rootId);
    this.stream.render(rows, { canLoad: hasOlder, state });
    const replies = rows.filter(({ kind, messageId }) => kind === "message" && messageId !== rootId);
    const gone = !hasOlder && rows.length > 0 && !rows.some(({ messageId }) => messageId === rootId);
    find("thread-none").hidden = replies.length > 0 || state === "loading";
    find("thread-gone").hidden = !gone;
  }
}
