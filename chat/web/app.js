/** Wiring: from the address or the form to a session, rooms and a screen. */

import { Composer } from "./composer.js";
import { Entry } from "./entry.js";
import { buildRows } from "./rows.js";
import { readFragment, roomIdOf, Session, writeFragment } from "./session.js";
import { countText, Sidebar } from "./sidebar.js";
import { Stream } from "./stream.js";
import { Talk } from "./talk.js";
import { Tray } from "./tray.js";
import { View } from "./view.js";

const MAX_WHILE_READING_BACK = 6_000;

class App {
  #talk = null; // while in a room
  #roomId = null; // the one that is looked at
  #painting = false;
  #unread = 0; // since the page was hidden

  constructor() {
    this.entry = new Entry((wish) => this.#enter(wish));
    this.stream = new Stream({
      onOlder: () => this.#room?.loadOlder(),
      onRetry: (id) => this.#room.retry(id),
      onDiscard: (id) => this.#room.discard(id),
      onReact: (row, reaction) => this.#react(row, reaction),
      onReply: (row) => this.composer.reply(row),
      onEdit: (row) => this.composer.edit(row),
      onDelete: (row) => this.#tellFailure(this.#room.delete(row)),
      onBack: () => this.composer.focus(),
    });
    this.tray = new Tray({
      roomOf: (roomId) => this.#talk.room(roomId),
      onChange: () => this.composer?.refresh(),
      onTell: (text) => this.view.tell(text),
    });
    this.composer = new Composer({
      filesState: () => this.tray.state,
      onSend: (text, about) => this.#send(text, about),
      onTyping: (isTyping) => this.#room?.typing(isTyping),
      onEditLast: () => this.#editLast(),
    });
    this.sidebar = new Sidebar({
      onSelect: (roomId) => this.#look(roomId),
      onJoin: (text) => this.#join(text),
    });
    this.view = new View({
      onLeave: () => this.#leave(this.#roomId),
      onRetryConnection: () => this.#talk.client.retryNow(),
      onToken: (text) => this.#takeToken(text),
    });
    addEventListener("hashchange", () => location.reload());
    addEventListener("keydown", (event) => this.#pressed(event));
    document.addEventListener("visibilitychange", () => this.#seen());
    setInterval(() => this.#everySecond(), 1_000);
  }

  get #room() {
    return this.#talk?.room(this.#roomId);
  }

  start() {
    const { roomId, name } = readFragment();
    if (roomId !== null && name !== "") this.#enter({ roomId, name, token: "" });
    else this.entry.open({ roomId, name });
  }

  #enter({ name, roomId, token }) {
    const session = new Session(name);
    if (token !== "" && !session.paste(token)) {
      this.entry.open({ problem: "That does not look like a token.", needsToken: true });
      return;
    }
    this.#talk = new Talk({
      session,
      roomId,
      onChange: () => this.#paintSoon(),
      onMessage: (where) => this.#arrived(where),
      onRefused: (where, problem) => this.#left(where, problem),
      onState: (state) => this.#stateChanged(state),
      onTokenWish: (wish) => this.view.wishToken(wish),
    });
    for (const known of new Set([...session.loadRooms(), roomId])) this.#talk.join(known);
    this.entry.close();
    this.#look(roomId);
    this.#talk.client.connect();
    this.#learnRules(this.#talk.client);
  }

  // Only where there is an HTTP side, and it has a place for files, there is something to attach.
  async #learnRules(client) {
    try {
      this.tray.use(await client.uploads.rules());
    } catch {
      this.tray.use(null); // the next entry asks again
    }
  }

  /** Show a room that one is in. */
  #look(roomId) {
    if (this.#room !== undefined) this.#room.readingBack = false;
    this.#roomId = roomId;
    this.#talk.count(roomId, true);
    writeFragment({ roomId, name: this.#talk.session.name });
    this.stream.clear();
    this.view.open(roomId);
    this.tray.open(roomId);
    this.composer.open(roomId);
    this.#paintSoon();
  }

  #join(text) {
    const roomId = roomIdOf(text);
    if (roomId === null) return "A room name has letters, digits and _ . : @ + = ~ - only.";
    this.#talk.join(roomId);
    this.#look(roomId);
    return null;
  }

  #leave(roomId) {
    this.#talk.leave(roomId);
    this.#left(roomId, "");
  }

  /** A room is not there any more. */
  #left(roomId, problem) {
    const [next] = this.#talk.roomIds;
    if (next === undefined) {
      this.#close({ roomId, problem });
      return;
    }
    if (problem !== "") this.view.tell(`#${roomId}: ${problem}`);
    if (roomId === this.#roomId) this.#look(next);
    this.#paintSoon();
  }

  #close(start) {
    const { session } = this.#talk;
    const talk = this.#talk;
    this.#talk = null;
    this.#roomId = null;
    talk.close();
    this.view.wishToken(null);
    writeFragment();
    this.tray.open(null);
    this.composer.open(null);
    this.sidebar.close();
    this.view.close();
    this.stream.clear();
    document.title = "Chat";
    this.entry.open({ name: session.name, ...start });
  }

  #arrived(roomId) {
    const looked = roomId === this.#roomId;
    if (looked) this.stream.arrived();
    this.#talk.count(roomId, looked && !document.hidden);
    if (document.hidden) this.#unread += 1;
  }

  #stateChanged(state) {
    if (this.#talk === null) return;
    const { session, client } = this.#talk;
    if (state.phase === "online") this.tray.goOn();
    if (state.needsToken) session.forgetToken();
    if (state.needsToken && client.userId === null) {
      this.#close({ roomId: this.#roomId, problem: state.reason, needsToken: true });
      return;
    }
    this.#paintSoon();
  }

  #send(text, about) {
    const room = this.#room;
    if (room.outbox.full) return false;
    if (about?.kind !== "edit") {
      const replyTo = about === null ? undefined : reference(about.row);
      room.send(text, { replyTo, attachments: this.tray.take() });
    } else if (text !== about.row.content) {
      this.#tellFailure(room.edit(about.row, text));
    }
    return true;
  }

  #react(row, reaction) {
    const own = row.reactions.some((each) => each.reaction === reaction && each.own);
    const sending = own ? this.#room.unreact(row, reaction) : this.#room.react(row, reaction);
    this.#tellFailure(sending);
  }

  // A change that failed shows nowhere in the stream: it is said, and given up.
  #tellFailure({ clientMessageId, acknowledged }) {
    const room = this.#room;
    acknowledged.catch((error) => {
      room.discard(clientMessageId);
      this.view.tell(error.message);
    });
  }

  #editLast() {
    const row = this.#rows().findLast((each) => each.own && each.canAct);
    if (row !== undefined) this.composer.edit(row);
    return row !== undefined;
  }

  #takeToken(text) {
    const { session, client } = this.#talk;
    if (!session.paste(text)) return false;
    this.view.wishToken(null);
    if (client.state.phase === "online") client.renewToken();
    else client.retryNow();
    return true;
  }

  // Alt and an arrow go to the next room, as in other chats.
  #pressed(event) {
    if (this.#talk === null || !event.altKey || !["ArrowUp", "ArrowDown"].includes(event.key)) return;
    const { roomIds } = this.#talk;
    const step = event.key === "ArrowUp" ? roomIds.length - 1 : 1;
    event.preventDefault();
    this.#look(roomIds[(roomIds.indexOf(this.#roomId) + step) % roomIds.length]);
  }

  // Many events can come within one frame; a hidden page gets no frames at all.
  #paintSoon() {
    if (this.#painting) return;
    this.#painting = true;
    if (document.hidden) setTimeout(() => this.#paint(), 250);
    else requestAnimationFrame(() => this.#paint());
  }

  #paint() {
    this.#painting = false;
    const room = this.#room;
    if (room === undefined) return;
    const { timeline } = room;
    // Nothing is forgotten under the eyes of someone who reads back, unless they left it like that.
    room.readingBack = !this.stream.atEnd && timeline.entries.length < MAX_WHILE_READING_BACK;
    this.view.showStatus(this.#talk.client.state, Date.now());
    this.#paintPeople();
    this.sidebar.showRooms(this.#talk.list, this.#roomId);
    this.stream.render(this.#rows(), { canLoad: timeline.hasOlder, state: room.olderState });
    document.title = `${this.#unread > 0 ? `(${this.#unread}) ` : ""}#${this.#roomId}`;
  }

  #rows() {
    const room = this.#room;
    const { timeline, members } = room;
    return buildRows({
      entries: room.entries,
      items: room.unsent,
      selfId: this.#talk.selfId,
      complete: timeline.position !== null && timeline.fills.length === 0 && !timeline.hasOlder,
      headSeq: timeline.position?.seq ?? 0,
      ready: room.ready,
      nameOf: (userId) => members.nameOf(userId),
    });
  }

  #paintPeople() {
    const { members } = this.#room;
    const { userId } = this.#talk.client;
    this.view.showPeople(countText(members.count), members.typists(userId, Date.now()));
    this.sidebar.showPeople({ members: members.list(userId), count: members.count, selfId: userId });
  }

  #everySecond() {
    if (this.#room === undefined) return;
    this.view.showStatus(this.#talk.client.state, Date.now());
    this.#paintPeople();
  }

  #seen() {
    if (document.hidden) {
      this.#paint(); // a frame that was asked for may not come any more
      return;
    }
    this.#unread = 0;
    this.#talk?.count(this.#roomId, true);
    this.#paintSoon();
  }
}

function reference({ seq, messageId }) {
  return { seq, messageId };
}

new App().start();
