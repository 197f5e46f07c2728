/** The panels beside the conversation: the rooms one is in, and the people in this one. */

import { avatar, element, plural, setText } from "./text.js";

const MOST = 99;

const find = (id) => document.getElementById(id);

export class Sidebar {
  /** @param {object} handlers onSelect(roomId), onJoin(text) returns a problem or null */
  constructor(handlers) {
    this.handlers = handlers;
    this.screen = find("chat");
    find("room-form").addEventListener("submit", (event) => this.#join(event));
    for (const name of ["rooms", "people"]) this.#listenToToggle(name);
  }

  close() {
    for (const name of ["rooms", "people"]) this.#show(name, false);
    find("room-join").value = "";
    setText(find("room-problem"), "");
  }

  /** @param {{roomId: string, unread: number}[]} rooms  @param {string} activeId */
  showRooms(rooms, activeId) {
    const list = find("room-list");
    const signature = JSON.stringify([rooms, activeId]);
    if (list.dataset.signature !== signature) {
      list.dataset.signature = signature;
      const focused = document.activeElement?.dataset.room;
      const nodes = rooms.map((room) => this.#roomNode(room, room.roomId === activeId));
      list.replaceChildren(...nodes);
      if (focused !== undefined) list.querySelector(`[data-room="${focused}"]`)?.focus();
    }
    const elsewhere = rooms.some(({ roomId, unread }) => unread > 0 && roomId !== activeId);
    find("rooms-toggle").classList.toggle("news", elsewhere);
  }

  /** @param {{members: object[], count: number, selfId: string}} people */
  showPeople({ members, count, selfId }) {
    const list = find("people-list");
    const signature = JSON.stringify([members, selfId]);
    if (list.dataset.signature !== signature) {
      list.dataset.signature = signature;
      list.replaceChildren(...members.map((member) => memberNode(member, selfId)));
    }
    const more = count - members.length;
    setText(find("people-more"), more > 0 ? `and ${more.toLocaleString()} more` : "");
  }

  #roomNode({ roomId, unread }, active) {
    const hash = element("span", "hash", "#");
    hash.ariaHidden = "true";
    const button = element("button", "", hash, element("span", "name", roomId));
    button.type = "button";
    button.dataset.room = roomId;
    button.title = roomId;
    if (active) button.ariaCurrent = "page";
    if (unread > 0) {
      const badge = element("span", "badge", unread > MOST ? `${MOST}+` : String(unread));
      badge.append(element("span", "unseen", ` ${unread === 1 ? "new message" : "new messages"}`));
      button.append(badge);
    }
    button.addEventListener("click", () => {
      this.#show("rooms", false);
      this.handlers.onSelect(roomId);
    });
    return element("li", "", button);
  }

  #join(event) {
    event.preventDefault();
    const input = find("room-join");
    const problem = this.handlers.onJoin(input.value);
    setText(find("room-problem"), problem ?? "");
    if (problem !== null) return;
    input.value = "";
    this.#show("rooms", false);
  }

  #listenToToggle(name) {
    const toggle = find(`${name}-toggle`);
    toggle.addEventListener("click", () => this.#show(name, toggle.ariaExpanded !== "true"));
    this.screen.addEventListener("keydown", (event) => {
      if (event.key !== "Escape" || toggle.ariaExpanded !== "true") return;
      this.#show(name, false);
      toggle.focus();
    });
  }

  #show(name, shown) {
    this.screen.classList.toggle(`${name}-open`, shown);
    find(`${name}-toggle`).ariaExpanded = String(shown);
    const other = name === "rooms" ? "people" : "rooms";
    if (shown) this.#show(other, false);
  }
}

/** @param {number} count */
export function countText(count) {
  return count === 0 ? "" : plural(count, "person", "people");
}

function memberNode({ userId, name }, selfId) {
  const node = element("li", "", avatar(userId, name), element("span", "name", name));
  if (userId === selfId) node.append(element("span", "you", "you"));
  return node;
}
