/** The panel of one thread: its root, its replies, and where one answers in it. */

import { Exchange } from "./exchange.js";
import { threadRows } from "./rows.js";
import { setText } from "./text.js";

const find = (id) => document.getElementById(id);

export class ThreadPanel extends Exchange {
  #thread = null; // of the SDK, while one is open

  /**
   * @param {import("./acts.js").Acts} acts
   * @param {object} handlers onMore(row, beside, node), onReport(row), onShown(nodes), onTell(text)
   */
  constructor(acts, handlers) {
    const names = { id: "thread-draft", label: "Reply in the thread" };
    super(find("thread"), find("thread-composer"), names, acts, {
      ...handlers,
      along: () => ({ threadId: this.#thread.rootId }),
      onOlder: () => this.#thread.loadOlder(),
      onSaid: () => this.stream.scrollToEnd(),
    });
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
