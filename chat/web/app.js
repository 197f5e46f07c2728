/** Wiring: from the address or the form to a session, a connection, a conversation and a screen. */

import { Entry } from "./entry.js";
import { buildRows } from "./rows.js";
import { ChatClient } from "./sdk/index.js";
import { readFragment, Session, writeFragment } from "./session.js";
import { Stream } from "./stream.js";
import { View } from "./view.js";

const MAX_WHILE_READING_BACK = 6_000;
const CHANGES_OUTBOX = new Set(["outbox", "chat_message", "history", "gap"]);

class App {
  #current = null; // {session, client, room} while in a room
  #painting = false;
  #unread = 0;

  constructor() {
    this.entry = new Entry((wish) => this.#enter(wish));
    this.stream = new Stream({
      onOlder: () => this.#current?.room.loadOlder(),
      onRetry: (id) => this.#current.room.retry(id),
      onDiscard: (id) => this.#current.room.discard(id),
    });
    this.view = new View({
      onSend: (text) => this.#send(text),
      onTyping: (isTyping) => this.#current?.room.typing(isTyping),
      onLeave: () => this.#leave(),
      onRetryConnection: () => this.#current.client.retryNow(),
      onToken: (text) => this.#takeToken(text),
    });
    addEventListener("hashchange", () => location.reload());
    document.addEventListener("visibilitychange", () => this.#seen());
    setInterval(() => this.#everySecond(), 1_000);
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
    const scheme = location.protocol === "https:" ? "wss" : "ws";
    const hint = new URLSearchParams({ room: roomId }); // for a balancer: members meet on a worker
    const client = new ChatClient({
      url: `${scheme}://${location.host}/ws?${hint}`,
      token: (reason) => session.token(reason),
    });
    const room = client.room(roomId, { unsent: session.loadUnsent(roomId) });
    client.on("state", (state) => this.#stateChanged(state));
    client.on("tokenNeeded", () => this.view.wishToken("Your access token is about to expire."));
    room.on("change", (what) => this.#changed(what));
    room.on("event", (event) => this.#arrived(event));
    room.on("error", (error) => this.#leave({ problem: error.message }));
    this.#current = { session, client, room };
    writeFragment({ roomId, name });
    this.entry.close();
    this.stream.clear();
    this.view.open(roomId);
    room.join();
    client.connect();
  }

  #leave(start = {}) {
    const { session, client, room } = this.#current;
    this.#current = null;
    this.view.wishToken(null);
    room.leave();
    client.close();
    writeFragment();
    this.view.close();
    this.stream.clear();
    document.title = "Chat";
    this.entry.open({ name: session.name, roomId: room.roomId, ...start });
  }

  #arrived(event) {
    if (event.type !== "chat_message" || event.userId === this.#current.client.userId) return;
    this.stream.arrived();
    if (document.hidden) this.#unread += 1;
  }

  #stateChanged(state) {
    if (this.#current === null) return;
    const { session, client } = this.#current;
    if (state.needsToken) session.forgetToken();
    if (state.needsToken && client.userId === null) {
      this.#leave({ problem: state.reason, needsToken: true });
      return;
    }
    this.#changed("state");
  }

  #send(text) {
    const { room } = this.#current;
    if (room.outbox.full) return false;
    room.send(text);
    return true;
  }

  #takeToken(text) {
    const { session, client } = this.#current;
    if (!session.paste(text)) return false;
    this.view.wishToken(null);
    if (client.state.phase === "online") client.renewToken();
    else client.retryNow();
    return true;
  }

  #changed(what) {
    if (this.#current === null) return;
    const { session, room } = this.#current;
    if (CHANGES_OUTBOX.has(what)) session.saveUnsent(room.roomId, room.outbox.save());
    this.#paintSoon();
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
    if (this.#current === null) return;
    const { session, client, room } = this.#current;
    const { timeline } = room;
    // Nothing is forgotten under the eyes of someone who reads back, unless they left it like that.
    room.readingBack = !this.stream.atEnd && timeline.entries.length < MAX_WHILE_READING_BACK;
    this.view.showStatus(client.state, Date.now());
    this.#paintPeople();
    this.stream.render(
      buildRows({
        entries: room.entries,
        items: room.unsent,
        selfId: client.userId ?? session.name,
        complete: timeline.position !== null && timeline.fills.length === 0 && !timeline.hasOlder,
        headSeq: timeline.position?.seq ?? 0,
        ready: room.ready,
      }),
      { canLoad: timeline.hasOlder, state: room.olderState },
    );
    const unread = this.#unread > 0 ? `(${this.#unread}) ` : "";
    document.title = `${unread}#${room.roomId}`;
  }

  #paintPeople() {
    const { client, room } = this.#current;
    this.view.showPeople({
      members: room.members.list(client.userId),
      count: room.members.count,
      typists: room.members.typists(client.userId, Date.now()),
      selfId: client.userId,
    });
  }

  #everySecond() {
    if (this.#current === null) return;
    this.view.showStatus(this.#current.client.state, Date.now());
    this.#paintPeople();
  }

  #seen() {
    if (document.hidden) {
      this.#paint(); // a frame that was asked for may not come any more
      return;
    }
    this.#unread = 0;
    this.#changed("seen");
  }
}

new App().start();
