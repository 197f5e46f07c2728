/** Wiring: from the address or the form to a session, rooms and a screen. */

import { Acts } from "./acts.js";
import { showBars } from "./appearance.js";
import { Conversation } from "./conversation.js";
import { Destination } from "./destination.js";
import { Dialog } from "./dialog.js";
import { Entry } from "./entry.js";
import { watchIdleness } from "./idle.js";
import { helpParts, listenToKeys } from "./keys.js";
import { sectionOf } from "./kinds.js";
import { Notifier } from "./notifier.js";
import { nextWithNews, Overview } from "./overview.js";
import { Painter } from "./painter.js";
import { Panels } from "./panels.js";
import { Picker } from "./picker.js";
import { goToRegion } from "./regions.js";
import { RoomDialogs } from "./room_dialogs.js";
import { Search } from "./search.js";
import { readFragment, roomIdOf, Session, writeFragment } from "./session.js";
import { preferenceParts } from "./settings.js";
import { Talk } from "./talk.js";
import { ThreadPanel } from "./thread.js";
import { View } from "./view.js";

const REPAINT_MS = 30_000; // "5 min. ago" is not true for longer

const find = (id) => document.getElementById(id);

class App {
  #talk = null; // while in a room
  #roomId = null; // the one that is looked at
  #dialogs = null; // about rooms and people, while in a room

  constructor() {
    this.entry = new Entry((wish) => this.#enter(wish));
    this.view = new View({
      onRetryConnection: () => this.#talk.client.retryNow(),
      onToken: (text) => this.#takeToken(text),
    });
    this.picker = new Picker();
    const acts = this.acts = new Acts(() => this.#room, () => this.#talk.people(this.#roomId),
      (text) => this.view.tell(text));
    this.conversation = new Conversation(acts, {
      onThread: (rootId) => this.#openThread(rootId),
      onShown: () => this.#mark(),
      onMore: (row, beside, node) => this.#chooseReaction(row, beside, node),
      onReport: (row) => this.#dialogs.openReport(this.#room, row),
      onTell: (text) => this.view.tell(text),
    });
    this.thread = new ThreadPanel(acts, {
      onShown: () => this.#mark(),
      onMore: (row, beside, node) => this.#chooseReaction(row, beside, node),
      onReport: (row) => this.#dialogs.openReport(this.#room, row),
      onTell: (text) => this.view.tell(text),
    });
    this.painter = new Painter(() => this.#paint());
    this.destination = new Destination({
      look: (roomId) => this.#look(roomId),
      openThread: (rootId) => {
        this.#openThread(rootId);
        this.thread.render(this.#talk.scene(this.#roomId));
      },
      streams: () => ({ conversation: this.conversation.stream, thread: this.thread.stream }),
    });
    this.panels = new Panels({ thread: () => this.thread.close() });
    this.overview = new Overview(this.view, {
      onSelect: (roomId) => this.#select(roomId),
      onJoin: (text) => this.#join(text),
      onGo: (roomId, messageId) => this.#go(roomId, messageId),
      onNewPrivate: () => this.#dialogs.newPrivate(),
      onNewDirect: () => this.#dialogs.newDirect(),
    });
    this.search = new Search({
      onChange: () => this.painter.soon(),
      onShow: (message) => this.destination.show(message, false),
      onLoad: () => this.#room.loadOlder(),
      onClose: () => this.conversation.composer.focus(),
    });
    this.dialog = new Dialog();
    this.#listen();
  }

  get #room() {
    return this.#talk?.room(this.#roomId);
  }

  start() {
    showBars();
    const { roomId, name } = readFragment();
    if (roomId !== null && name !== "") this.#enter({ roomId, name, token: "" });
    else this.entry.open({ roomId, name });
  }

  #listen() {
    const press = (id, act) => find(id).addEventListener("click", act);
    press("room-about", () => this.#dialogs.openRoom(this.#roomId));
    press("me", () => this.#dialogs.openPresence(this.#talk.presence));
    press("search-open", () => this.search.open());
    press("mentions-open", () => this.#openMentions());
    press("preferences-open", () => this.#openPreferences());
    press("help-open", () => this.#openHelp());
    listenToKeys({
      search: () => this.search.open(),
      room: (step) => this.#lookBeside(step),
      news: () => this.#lookAtNews(),
      mentions: () => this.#openMentions(),
      region: goToRegion,
      help: () => this.#openHelp(),
    }, () => this.#talk !== null && !this.dialog.isOpen);
    addEventListener("hashchange", () => location.reload());
    document.addEventListener("visibilitychange", () => this.#seen());
    setInterval(() => this.#everySecond(), 1_000);
    setInterval(() => this.#now(), REPAINT_MS);
    watchIdleness((isIdle) => this.#talk?.client.setIdle(isIdle));
  }

  #enter({ name, roomId, token }) {
    const session = new Session(name);
    if (token !== "" && !session.paste(token)) {
      this.entry.open({ problem: "That does not look like a token.", needsToken: true });
      return;
    }
    this.notifier = new Notifier(name, (where, messageId) => this.#go(where, messageId));
    this.#talk = new Talk({
      session,
      roomId,
      onChange: () => this.painter.soon(),
      onMessage: (where, message) => this.#arrived(where, message),
      onRefused: (where, problem) => this.#left(where, problem),
      onState: (state) => this.#stateChanged(state),
      onTokenWish: (wish) => this.view.wishToken(wish),
    });
    this.#dialogs = new RoomDialogs(this.dialog, this.#talk, this.notifier, {
      onLook: (where) => this.#look(where),
      onLeave: (where) => this.#leave(where),
      onLevel: () => this.painter.soon(),
      onTell: (text) => this.view.tell(text),
    });
    for (const known of new Set([...session.loadRooms(), roomId])) this.#talk.join(known);
    this.entry.close();
    this.#look(roomId);
    this.#talk.client.connect();
    this.#learnUploadRules(this.#talk.client);
  }

  // Only where there is an HTTP side, and it has a place for files, there is something to attach.
  async #learnUploadRules(client) {
    const rules = await client.uploads.rules().catch(() => null); // the next entry asks again
    for (const { tray } of this.#writing) tray.use(rules);
  }

  get #writing() {
    return [this.conversation, this.thread];
  }

  /** A room in the sidebar: one is in it, or invited to it. */
  #select(roomId) {
    if (this.#talk.room(roomId) === undefined) this.#dialogs.openInvitation(roomId);
    else this.#look(roomId);
  }

  /** Show a room that one is in. */
  #look(roomId) {
    this.panels.showRooms(false);
    if (roomId === this.#roomId) {
      this.conversation.stream.enter();
      return;
    }
    if (this.panels.side === "thread") this.panels.close(false);
    this.search.close();
    this.#roomId = roomId;
    this.destination.forget();
    writeFragment({ roomId, name: this.#talk.session.name });
    this.view.open();
    this.#talk.participants.look(sectionOf(roomId).kind === "open" ? null : this.#room);
    this.conversation.open(this.#room);
    this.painter.soon();
  }

  #lookBeside(step) {
    const { roomIds } = this.#talk;
    const index = roomIds.indexOf(this.#roomId) + step + roomIds.length;
    this.#look(roomIds[index % roomIds.length]);
  }

  #lookAtNews() {
    const next = nextWithNews(this.#talk, this.notifier);
    if (next !== undefined) this.#look(next);
  }

  #go(roomId, messageId) {
    if (this.#talk?.room(roomId) === undefined) return;
    this.panels.uncover();
    this.destination.go(roomId, messageId);
    this.painter.soon();
  }

  #openThread(rootId) {
    this.panels.open("thread");
    this.thread.open(this.#room, rootId, this.#talk.signedTitleOf(this.#roomId));
    this.painter.soon();
  }

  #openMentions() {
    this.panels.toggle("mentions");
    this.painter.now();
    if (this.panels.side === "mentions") find("mentions").querySelector("button").focus();
  }

  #chooseReaction(row, beside, node) {
    this.picker.open(beside, node, (reaction) => this.acts.react(row, reaction));
  }

  #openPreferences() {
    this.dialog.open("Preferences", preferenceParts(this.notifier));
  }

  #openHelp() {
    this.dialog.open("Keyboard shortcuts", helpParts());
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
    if (problem !== "") this.view.tell(`${this.#talk.signedTitleOf(roomId)}: ${problem}`);
    if (roomId === this.#roomId) this.#look(next);
    this.painter.soon();
  }

  #close(start) {
    const talk = this.#talk;
    this.search.close();
    this.panels.close(false);
    this.#talk = null;
    this.#dialogs = null;
    this.#roomId = null;
    talk.close();
    this.view.wishToken(null);
    writeFragment();
    this.conversation.open(null);
    this.thread.forget();
    this.overview.sidebar.close();
    this.view.close();
    document.title = "Chat";
    this.entry.open({ name: talk.session.name, ...start });
  }

  #arrived(roomId, message) {
    const isLookedAt = roomId === this.#roomId;
    this.overview.arrived(this.#talk, { roomId, message, isLookedAt }, this.notifier);
  }

  #stateChanged(state) {
    if (this.#talk === null) return;
    const { session, client } = this.#talk;
    if (state.phase === "online") for (const { tray } of this.#writing) tray.goOn();
    if (state.needsToken) session.forgetToken();
    if (state.needsToken && client.userId === null) {
      this.#close({ roomId: this.#roomId, problem: state.reason, needsToken: true });
      return;
    }
    this.painter.soon();
  }

  #takeToken(text) {
    const { session, client } = this.#talk;
    if (!session.paste(text)) return false;
    this.view.wishToken(null);
    if (client.state.phase === "online") client.renewToken();
    else client.retryNow();
    return true;
  }

  #paint() {
    const room = this.#room;
    if (room === undefined) return;
    const scene = this.#talk.scene(this.#roomId);
    this.conversation.render(scene);
    this.thread.render(scene);
    this.search.render(scene.entries, { canLoad: room.timeline.hasOlder, state: room.olderState });
    this.destination.reach(scene.entries);
    const listsMentions = this.panels.side === "mentions";
    this.overview.paint(this.#talk, this.#roomId, { notifier: this.notifier, listsMentions });
    this.#dialogs.renderRoster();
    this.#mark();
  }

  #mark() {
    this.search.mark([this.conversation.stream.list, this.thread.stream.list]);
  }

  /** What is told by the clock: "5 min. ago", when somebody was last seen. */
  #now() {
    this.#talk?.participants.refreshSoon();
    this.painter.soon();
  }

  #everySecond() {
    if (this.#room !== undefined) this.overview.paintPeople(this.#talk, this.#roomId);
  }

  #seen() {
    if (!document.hidden) this.conversation.cameBack();
    if (document.hidden) this.painter.now(); // a frame that was asked for may not come any more
    else this.painter.soon();
  }
}

new App().start();
