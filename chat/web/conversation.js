/** The room that is looked at: its stream, its draft, and up to where it has been read. */

import { Exchange } from "./exchange.js";
import { buildRows } from "./rows.js";

const MAX_WHILE_READING_BACK = 20_000;

const find = (id) => document.getElementById(id);

export class Conversation extends Exchange {
  #room = null;
  #newFrom = null; // seq of the first message that was unread when one came
  #isNew = true; // one has just come, or come back

  /**
   * @param {import("./acts.js").Acts} acts
   * @param {object} handlers onThread(messageId), onMore(row, beside, node), onReport(row), onShown(nodes),
   *   onTell(text)
   */
  constructor(acts, handlers) {
    super(find("talk"), find("composer"), { id: "draft", label: "Message" }, acts, {
      ...handlers,
      answers: true,
      onOlder: () => this.#room.loadOlder(),
      onEnd: () => this.#markRead(),
      onSaid: () => this.#said(),
    });
  }

  /** @param {object | null} room null: none any more */
  open(room) {
    if (this.#room !== null) this.#room.readingBack = false;
    this.#room = room;
    this.#newFrom = null;
    this.#isNew = true;
    this.stream.clear();
    this.tray.open(room);
    this.composer.open(room?.roomId ?? null);
    if (room !== null) this.stream.enter();
  }

  /** One looks at the page again. */
  cameBack() {
    this.#isNew = true;
  }

  /** @param {object} scene of `rows.js`, of this room */
  render(scene) {
    const room = this.#room;
    const { timeline, olderState } = room;
    const came = this.#isNew && room.ready;
    if (came) this.#seeWhatIsNew(scene);
    const rows = buildRows({ ...scene, newFrom: this.#newFrom });
    this.stream.render(rows, { canLoad: timeline.hasOlder, state: olderState }, room.unread);
    if (came && this.#newFrom !== null) this.stream.showLine();
    // Nothing is forgotten under the eyes of someone who reads back, unless they left it like that.
    room.readingBack = !this.stream.atEnd && timeline.entries.length < MAX_WHILE_READING_BACK;
    this.#markRead();
  }

  // Who answers has read, and wants to see what they said.
  #said() {
    this.#newFrom = null;
    this.stream.scrollToEnd();
  }

  // A line stands before what came while one was away. Where the place is not loaded there is none.
  #seeWhatIsNew({ entries, selfId, readUpTo }) {
    this.#isNew = false;
    if (readUpTo === null || (this.#room.timeline.olderBefore ?? 0) > readUpTo + 1) return;
    const first = entries.find((entry) => isNews(entry, readUpTo, selfId));
    if (first !== undefined) this.#newFrom = first.seq;
  }

  // Read is what was in sight: the page is looked at, and the end of the room is.
  #markRead() {
    const room = this.#room;
    if (room === null || document.hidden || !this.stream.atEnd || !room.ready) return;
    const head = room.timeline.position?.seq ?? 0;
    if (head > (room.readSeq ?? 0)) room.markRead();
  }
}

function isNews({ kind, seq, deleted, lost, userId }, readUpTo, selfId) {
  return kind === "message" && seq > readUpTo && !deleted && !lost && userId !== selfId;
}
