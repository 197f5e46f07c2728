/** All that is said of rooms and people around the conversation: lists, badges, the title. */

import { Activity } from "./activity.js";
import { sectionOf } from "./kinds.js";
import { mentions } from "./mentions.js";
import { excerptOf } from "./rows.js";
import { ruleWords } from "./rules.js";
import { countText, Sidebar } from "./sidebar.js";

export class Overview {
  /**
   * @param {import("./view.js").View} view
   * @param {object} handlers onSelect(roomId), onJoin(text), onGo(roomId, messageId),
   *   onNewPrivate(), onNewDirect()
   */
  constructor(view, handlers) {
    this.view = view;
    this.sidebar = new Sidebar(handlers);
    this.sidebar.addTo("private", "New private room", handlers.onNewPrivate);
    this.sidebar.addTo("direct", "New conversation", handlers.onNewDirect);
    this.activity = new Activity(handlers.onGo);
  }

  /**
   * @param {import("./talk.js").Talk} talk
   * @param {string} roomId that is looked at
   * @param {{notifier: import("./notifier.js").Notifier, listsMentions: boolean}} options
   */
  paint(talk, roomId, { notifier, listsMentions }) {
    const rooms = roomsOf(talk, notifier);
    this.sidebar.showRooms(rooms, roomId);
    this.sidebar.showMentions(rooms.reduce((sum, room) => sum + room.mentions, 0));
    if (listsMentions) this.activity.render(talk.mentions, (each) => talk.signedTitleOf(each));
    const unread = rooms.reduce((sum, room) => sum + (room.quiet ? 0 : room.unread), 0);
    this.#showRoom(talk, roomId, unread);
    this.paintPeople(talk, roomId);
  }

  /** Who is there and who types: that changes with the clock, too. */
  paintPeople(talk, roomId) {
    const { members } = talk.room(roomId);
    const { userId } = talk.client;
    this.view.showStatus(talk.client.state, Date.now());
    this.view.showPeople(countText(members.count), members.typists(userId, Date.now()));
    const absent = talk.participants.list
      .filter((each) => members.get(each.userId) === undefined)
      .map((each) => ({ ...each, name: talk.nameOf(each.userId) }));
    this.sidebar.showPeople({
      members: members.list(userId), count: members.count, selfId: userId, absent,
    });
    this.sidebar.showSelf(userId, talk.session.name, talk.presence);
  }

  /** Somebody else said something. */
  arrived(talk, { roomId, message, isLookedAt }, notifier) {
    const name = message.user?.name ?? talk.room(roomId).members.nameOf(message.userId);
    if (document.hidden) {
      const mentioned = mentions({ kind: "message", ...message }, talk.selfId);
      notifier.tell({ roomId, title: talk.signedTitleOf(roomId), name, message, mentioned });
    } else if (isLookedAt) {
      this.view.speak(`${name}: ${excerptOf(message)}`);
    }
  }

  #showRoom(talk, roomId, unread) {
    const { about } = talk.room(roomId);
    const { sign } = sectionOf(roomId);
    const title = talk.titleOf(roomId);
    const words = [about.topic, ...ruleWords(about)].filter(Boolean).join(" \u00b7 ");
    this.view.showRoom({ title, sign, words });
    document.title = `${unread > 0 ? `(${unread}) ` : ""}${sign}${title}`;
  }
}

/** The rooms one is in; `quiet` ones are not counted. */
export function roomsOf(talk, notifier) {
  return talk.list.map((room) => {
    const quiet = notifier.level(room.roomId) === "nothing";
    return { ...room, quiet, mentions: quiet ? 0 : room.mentions };
  });
}

/** @returns {string | undefined} the room to look at next: one with a mention, or with news */
export function nextWithNews(talk, notifier) {
  const rooms = roomsOf(talk, notifier).filter(({ unread, quiet }) => unread > 0 && !quiet);
  return (rooms.find((room) => room.mentions > 0) ?? rooms[0])?.roomId;
}
