/** Where somebody is: in which session, and in which of its rooms. No DOM. */

export class Here {
  /** @type {import("./talk.js").Talk | null} while in a room */
  talk = null;
  /** @type {string | null} the room that is looked at */
  roomId = null;
  /** @type {import("./room_dialogs.js").RoomDialogs | null} about rooms and people, while in a room */
  dialogs = null;
  /** @type {import("./notifier.js").Notifier | null} of whoever came last */
  notifier = null;

  /** The room that is looked at, of the SDK. */
  get room() {
    return this.talk?.room(this.roomId);
  }

  /** What is to be shown of it. */
  get scene() {
    return this.talk.scene(this.roomId);
  }

  leave() {
    this.talk = null;
    this.dialogs = null;
    this.roomId = null;
  }
}
