/** From one room, thread and message to another. */

import { sectionOf } from "./kinds.js";
import { nextWithNews } from "./overview.js";
import { roomIdOf, writeFragment } from "./session.js";

const find = (id) => document.getElementById(id);

export class Navigation {
  /** @param {import("./here.js").Here} here  @param {import("./page.js").Page} page */
  constructor(here, page) {
    this.here = here;
    this.page = page;
  }

  /** A room in the sidebar: one is in it, or invited to it. */
  select(roomId) {
    if (this.here.talk.room(roomId) === undefined) this.here.dialogs.openInvitation(roomId);
    else this.look(roomId);
  }

  /** Show a room that one is in. */
  look(roomId) {
    const { here } = this;
    const { panels, search, destination, view, conversation, painter } = this.page;
    panels.showRooms(false);
    if (roomId === here.roomId) {
      conversation.stream.enter();
      return;
    }
    if (panels.side === "thread") panels.close(false);
    search.close();
    here.roomId = roomId;
    destination.forget();
    writeFragment({ roomId, name: here.talk.session.name });
    view.open();
    here.talk.participants.look(sectionOf(roomId).kind === "open" ? null : here.room);
    conversation.open(here.room);
    painter.soon();
  }

  /** The room before or behind, round and round. @param {number} step */
  lookBeside(step) {
    const { roomIds } = this.here.talk;
    const index = roomIds.indexOf(this.here.roomId) + step + roomIds.length;
    this.look(roomIds[index % roomIds.length]);
  }

  lookAtNews() {
    const next = nextWithNews(this.here.talk, this.here.notifier);
    if (next !== undefined) this.look(next);
  }

  /** To a message, in whichever room. */
  go(roomId, messageId) {
    if (this.here.talk?.room(roomId) === undefined) return;
    this.page.panels.uncover();
    this.page.destination.go(roomId, messageId);
    this.page.painter.soon();
  }

  openThread(rootId) {
    const { panels, thread, painter } = this.page;
    panels.open("thread");
    thread.open(this.here.room, rootId, this.here.talk.signedTitleOf(this.here.roomId));
    painter.soon();
  }

  toggleMentions() {
    const { panels, painter } = this.page;
    panels.toggle("mentions");
    painter.now();
    if (panels.side === "mentions") find("mentions").querySelector("button").focus();
  }

  /** @param {string} text of a person  @returns {string | null} what is wrong with it */
  join(text) {
    const roomId = roomIdOf(text);
    if (roomId === null) return "A room name has letters, digits and _ . : @ + = ~ - only.";
    this.here.talk.join(roomId);
    this.look(roomId);
    return null;
  }
}
