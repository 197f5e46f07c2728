/** What one asks about oneself and one's rooms, without being in one. */

import { given } from "./commands.js";
import { Emitter } from "./emitter.js";
import { newId } from "./environment.js";

const UNREAD_AT_ONCE = 100;

/** @typedef {import("./protocol.js").Command} Command */
/** @typedef {import("./protocol.js").OwnRoom} OwnRoom */
/** @typedef {import("./protocol.js").PresenceState} PresenceState */
/** @typedef {import("./protocol.js").RoomCreated} RoomCreated */
/** @typedef {import("./protocol.js").RoomsPage} RoomsPage */
/** @typedef {import("./protocol.js").RoomUnread} RoomUnread */

/** @extends {Emitter<import("./client.js").ClientEvents>} */
export class Account extends Emitter {
  /**
   * @param {Command} command
   * @returns {Promise<any>}
   */
  request(command) {
    throw new Error(`nothing takes ${command.type}`);
  }

  /**
   * Make a private room of one's own. Without a name of yours, `private:...`, the server names it.
   *
   * @param {{roomId?: string, title?: string, topic?: string, userIds?: string[]}} options `userIds`
   *   are invited
   * @returns {Promise<RoomCreated>} to be joined next; rejects with CommandError, say `room_exists`
   */
  createRoom({ roomId, title, topic, userIds } = {}) {
    return this.request({ type: "create_room", ...given({ roomId, title, topic, userIds }) });
  }

  /**
   * Open the direct room of oneself and others. The same users get the same room.
   *
   * @param {string[]} userIds 1 to 7 others
   * @returns {Promise<RoomCreated>} to be joined next
   */
  openDirect(userIds) {
    return this.request({ type: "open_direct", userIds });
  }

  /** @param {string} roomId  @param {boolean} accept or decline */
  async answerInvitation(roomId, accept) {
    await this.request({ type: "answer_invitation", roomId, accept, clientMessageId: newId() });
  }

  /**
   * One's private and direct rooms, and those one is invited to.
   *
   * @returns {AsyncGenerator<OwnRoom, void>}
   */
  async *listRooms() {
    /** @type {string | undefined} */
    let cursor;
    do {
      /** @type {RoomsPage} */
      const page = await this.request({ type: "list_rooms", cursor });
      yield* page.rooms;
      cursor = page.cursor;
    } while (cursor !== undefined);
  }

  /**
   * How much there is to read in rooms that one may join. One need not be in them.
   *
   * @param {string[]} roomIds
   * @returns {Promise<RoomUnread[]>}
   */
  async unread(roomIds) {
    const found = [];
    for (let start = 0; start < roomIds.length; start += UNREAD_AT_ONCE) {
      const some = roomIds.slice(start, start + UNREAD_AT_ONCE);
      const answer = await this.request({ type: "unread", roomIds: some });
      found.push(...answer.rooms);
    }
    return found;
  }

  /**
   * Choose how one is, on all devices, for the members of the rooms one is in.
   *
   * @param {Exclude<PresenceState, "offline">} state `online` takes a choice back
   * @param {{status?: string}} options a few words beside it, "" for none; left out it stays
   */
  async setPresence(state, { status } = {}) {
    await this.request({ type: "set_presence", state, ...given({ status }) });
  }
}
