/** The lists beside the conversation: the rooms one is in, by kind, and the people in this one. */

import { SECTIONS, sectionOf } from "./kinds.js";
import { stateDot, whereabouts } from "./states.js";
import { avatar, element, plural, setText } from "./text.js";

const MOST = 99;

const find = (id) => document.getElementById(id);

export class Sidebar {
  #adds = new Map(); // by kind: a button in the section's heading

  /** @param {object} handlers onSelect(roomId), onJoin(text) returns a problem or null */
  constructor(handlers) {
    this.handlers = handlers;
    find("room-form").addEventListener("submit", (event) => this.#join(event));
  }

  /**
   * Put a button beside the heading of a section, which is shown then even with no room in it.
   *
   * @param {string} kind of `SECTIONS`  @param {string} label  @param {() => void} onAdd
   */
  addTo(kind, label, onAdd) {
    this.#adds.set(kind, { label, onAdd });
  }

  close() {
    find("room-join").value = "";
    setText(find("room-problem"), "");
  }

  /**
   * @param {{roomId: string, title: string, unread: number, mentions: number, invited: boolean,
   *   quiet: boolean}[]} rooms
   * @param {string} activeId
   */
  showRooms(rooms, activeId) {
    const list = find("room-list");
    const signature = JSON.stringify([rooms, activeId, [...this.#adds.keys()]]);
    if (list.dataset.signature !== signature) {
      list.dataset.signature = signature;
      const focused = document.activeElement?.dataset.room;
      list.replaceChildren(...SECTIONS.flatMap((section) => this.#section(section, rooms, activeId)));
      if (focused !== undefined) list.querySelector(`[data-room="${CSS.escape(focused)}"]`)?.focus();
    }
    const elsewhere = rooms.filter(({ roomId }) => roomId !== activeId);
    const toggle = find("rooms-toggle");
    toggle.classList.toggle("news", elsewhere.some(({ unread, invited, quiet }) => invited || (unread > 0 && !quiet)));
    toggle.classList.toggle("for-me", elsewhere.some(({ mentions }) => mentions > 0));
  }

  /**
   * @param {{members: object[], count: number, selfId: string, absent: object[]}} people `absent`:
   *   who belongs to the room and is not here
   */
  showPeople({ members, count, selfId, absent }) {
    this.#showAbsent(absent);
    const list = find("people-list");
    const signature = JSON.stringify([members, selfId]);
    if (list.dataset.signature !== signature) {
      list.dataset.signature = signature;
      list.replaceChildren(...members.map((member) => memberNode(member, selfId)));
    }
    const more = count - members.length;
    setText(find("people-more"), more > 0 ? `and ${more.toLocaleString()} more` : "");
  }

  /** @param {number} count unread ones, in all rooms */
  showMentions(count) {
    const place = find("mentions-badge");
    if (place.dataset.count === String(count)) return;
    place.dataset.count = String(count);
    const shown = count === 0 ? [] : [badge("badge for-me", count, "unread mention", "unread mentions")];
    place.replaceChildren(...shown);
  }

  /** @param {string | null} userId  @param {string} name  @param {object} presence of oneself */
  showSelf(userId, name, { state, status }) {
    const node = find("me");
    const signature = JSON.stringify([name, state, status]);
    if (node.dataset.signature === signature) return;
    node.dataset.signature = signature;
    node.replaceChildren(face(userId ?? name, name, state), named(name, status));
  }

  #showAbsent(absent) {
    const list = find("absent-list");
    const rows = absent.map((each) => [each, each.invited ? "invited" : whereabouts(each)]);
    const signature = JSON.stringify(rows);
    if (list.dataset.signature === signature) return;
    list.dataset.signature = signature;
    find("absent").hidden = absent.length === 0;
    list.replaceChildren(...rows.map(([{ userId, name }, words]) => {
      return element("li", "", avatar(userId, name), named(name, words));
    }));
  }

  #section({ kind, title, sign }, rooms, activeId) {
    const inside = rooms.filter(({ roomId }) => sectionOf(roomId).kind === kind);
    const add = this.#adds.get(kind);
    if (inside.length === 0 && add === undefined) return [];
    const heading = element("h2", "", title);
    if (add !== undefined) {
      const button = element("button", "add", "+");
      Object.assign(button, { type: "button", ariaLabel: add.label, title: add.label });
      button.addEventListener("click", add.onAdd);
      heading.append(button);
    }
    const nodes = inside.map((room) => this.#roomNode(room, sign, room.roomId === activeId));
    return [heading, element("ul", "", ...nodes)];
  }

  #roomNode({ roomId, title, unread, mentions, invited, quiet }, sign, active) {
    const hash = element("span", "hash", sign);
    hash.ariaHidden = "true";
    const button = element("button", "", hash, element("span", "name", title));
    button.type = "button";
    button.dataset.room = roomId;
    button.title = title;
    if (active) button.ariaCurrent = "page";
    button.classList.toggle("quiet", quiet);
    button.classList.toggle("news", unread > 0 && !quiet);
    if (invited) button.append(element("span", "badge", "Invitation"));
    if (mentions > 0) button.append(badge("badge for-me", mentions, "mention", "mentions", "@"));
    if (unread > 0 && !quiet) button.append(badge("badge", unread, "new message", "new messages"));
    button.addEventListener("click", () => this.handlers.onSelect(roomId));
    return element("li", "", button);
  }

  #join(event) {
    event.preventDefault();
    const input = find("room-join");
    const problem = this.handlers.onJoin(input.value);
    setText(find("room-problem"), problem ?? "");
    if (problem === null) input.value = "";
  }
}

/** @param {number} count */
export function countText(count) {
  return count === 0 ? "" : plural(count, "person", "people");
}

/** A count in a small coloured box; screen readers hear of what. */
export function badge(className, count, one, many, sign = "") {
  const text = count > MOST ? `${MOST}+` : String(count);
  const node = element("span", className);
  if (sign !== "") {
    const mark = element("span", "", sign);
    mark.ariaHidden = "true";
    node.append(mark);
  }
  node.append(text, element("span", "unseen", ` ${count === 1 ? one : many}`));
  return node;
}

function memberNode({ userId, name, state, status }, selfId) {
  const node = element("li", "", face(userId, name, state), named(name, status));
  node.title = name === userId ? name : `${name} (${userId})`;
  if (userId === selfId) node.append(element("span", "you", "you"));
  return node;
}

function face(userId, name, state) {
  return element("span", "face", avatar(userId, name), stateDot(state));
}

function named(name, words) {
  const node = element("span", "who", element("span", "name", name));
  if (words) node.append(element("small", "", words));
  return node;
}
