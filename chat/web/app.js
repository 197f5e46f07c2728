/** Wiring: from the address or the form to a session, a connection, a conversation and a screen. */

import { Connection, ConnectionLost, TokenNeeded } from "./connection.js";
import { Conversation } from "./conversation.js";
import { Entry } from "./entry.js";
import { buildRows } from "./rows.js";
import { readFragment, Session, writeFragment } from "./session.js";
import { Stream } from "./stream.js";
import { View } from "./view.js";

const MAX_WHILE_READING_BACK = 6_000;
const REFRESH_TRIES = 3;
const REFRESH_EVERY_MS = 5_000;
const CHANGES_OUTBOX = new Set(["outbox", "chat_message", "history", "gap"]);

class App {
  #current = null; // {session, connection, conversation} while in a room
  #painting = false;
  #unread = 0;

  constructor() {
    this.entry = new Entry((wish) => this.#enter(wish));
    this.stream = new Stream({
      onOlder: () => this.#current?.conversation.loadOlder(),
      onRetry: (id) => this.#current.conversation.retry(id),
      onDiscard: (id) => this.#current.conversation.discard(id),
    });
    this.view = new View({
      onSend: (text) => this.#send(text),
      onTyping: (isTyping) => this.#current?.conversation.typing(isTyping),
      onLeave: () => this.#leave(),
      onRetryConnection: () => this.#current.connection.retryNow(),
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
    const conversation = new Conversation({
      roomId,
      unsent: session.loadUnsent(roomId),
      onChange: (what) => this.#changed(what),
      onRefused: (reason) => this.#leave({ problem: reason }),
    });
    const scheme = location.protocol === "https:" ? "wss" : "ws";
    const hint = new URLSearchParams({ room: roomId }); // for a balancer: members meet on a worker
    const connection = new Connection({
      url: `${scheme}://${location.host}/ws?${hint}`,
      fetchToken: () => session.token(),
      onEvent: (event) => this.#received(event),
      onState: (state) => this.#stateChanged(state),
    });
    conversation.attach(connection);
    this.#current = { session, connection, conversation };
    writeFragment({ roomId, name });
    this.entry.close();
    this.stream.clear();
    this.view.open(roomId);
    connection.start();
  }

  #leave(start = {}) {
    const { session, connection, conversation } = this.#current;
    this.#current = null;
    this.view.wishToken(null);
    conversation.close();
    connection.stop();
    writeFragment();
    this.view.close();
    this.stream.clear();
    document.title = "Chat";
    this.entry.open({ name: session.name, roomId: conversation.roomId, ...start });
  }

  #received(event) {
    const { conversation } = this.#current;
    if (event.type === "token_expiring") this.#renewToken();
    if (event.type === "chat_message" && event.userId !== conversation.selfId) {
      this.stream.arrived();
      if (document.hidden) this.#unread += 1;
    }
    conversation.handle(event);
  }

  #stateChanged(state) {
    if (this.#current === null) return;
    const { session, conversation } = this.#current;
    if (state.phase !== "online") conversation.disconnected();
    if (state.needsToken) session.forgetToken();
    if (state.needsToken && conversation.selfId === null) {
      this.#leave({ problem: state.reason, needsToken: true });
      return;
    }
    this.#changed("state");
  }

  #send(text) {
    const { conversation } = this.#current;
    if (conversation.outbox.full) return false;
    conversation.submit(text);
    return true;
  }

  async #renewToken(triesLeft = REFRESH_TRIES) {
    if (this.#current === null) return;
    const { session, connection } = this.#current;
    try {
      await connection.request({ type: "refresh_token", token: await session.freshToken() });
    } catch (error) {
      const wish = "Your access token is about to expire.";
      if (error instanceof TokenNeeded) this.view.wishToken(wish);
      else if (!(error instanceof ConnectionLost) && triesLeft > 1) {
        setTimeout(() => this.#renewToken(triesLeft - 1), REFRESH_EVERY_MS);
      }
    }
  }

  #takeToken(text) {
    const { session, connection } = this.#current;
    if (!session.paste(text)) return false;
    this.view.wishToken(null);
    if (connection.state.phase === "online") this.#renewToken();
    else connection.retryNow();
    return true;
  }

  #changed(what) {
    if (this.#current === null) return;
    const { session, conversation } = this.#current;
    if (CHANGES_OUTBOX.has(what)) {
      session.saveUnsent(conversation.roomId, conversation.outbox.save());
    }
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
    const { connection, conversation } = this.#current;
    const { room, outbox, selfId, olderState } = conversation;
    // Not under the eyes of someone who reads back, unless they have left the page like that.
    if (this.stream.atEnd || room.entries.length > MAX_WHILE_READING_BACK) room.prune();
    this.view.showStatus(connection.state, Date.now());
    this.#paintPeople();
    this.stream.render(
      buildRows({
        entries: room.entries,
        items: outbox.items,
        selfId: selfId ?? this.#current.session.name,
        complete: room.position !== null && room.fills.length === 0 && !room.hasOlder,
        headSeq: room.position?.seq ?? 0,
        ready: room.ready,
      }),
      { canLoad: room.hasOlder, state: olderState },
    );
    const unread = this.#unread > 0 ? `(${this.#unread}) ` : "";
    document.title = `${unread}#${conversation.roomId}`;
  }

  #paintPeople() {
    const { people, selfId } = this.#current.conversation;
    this.view.showPeople({
      members: people.list(selfId),
      count: people.count,
      typists: people.typists(selfId, Date.now()),
      selfId,
    });
  }

  #everySecond() {
    if (this.#current === null) return;
    this.view.showStatus(this.#current.connection.state, Date.now());
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
