/** Coming in with a name or a token, and going: a session from its beginning to its end. */

import { Notifier } from "./notifier.js";
import { RoomDialogs } from "./room_dialogs.js";
import { Session, writeFragment } from "./session.js";
import { Talk } from "./talk.js";

export class Visit {
  /** @param {import("./here.js").Here} here  @param {import("./page.js").Page} page */
  constructor(here, page) {
    this.here = here;
    this.page = page;
  }

  /** @param {{name: string, roomId: string, token: string}} wish */
  enter({ name, roomId, token }) {
    const { here, page } = this;
    const session = new Session(name);
    if (token !== "" && !session.paste(token)) {
      page.entry.open({ problem: "That does not look like a token.", needsToken: true });
      return;
    }
    here.notifier = new Notifier(name, (...where) => page.navigation.go(...where));
    here.talk = this.#begin(session, roomId);
    here.dialogs = new RoomDialogs(page.dialog, here.talk, here.notifier, {
      onLook: (where) => page.navigation.look(where),
      onLeave: (where) => this.#leave(where),
      onLevel: () => page.painter.soon(),
      onTell: (text) => page.view.tell(text),
    });
    for (const known of new Set([...session.loadRooms(), roomId])) here.talk.join(known);
    page.entry.close();
    page.navigation.look(roomId);
    here.talk.client.connect();
    this.#learnUploadRules(here.talk.client);
  }

  /** @returns {boolean} whether the text can be a token at all */
  takeToken(text) {
    const { session, client } = this.here.talk;
    if (!session.paste(text)) return false;
    this.page.view.wishToken(null);
    if (client.state.phase === "online") client.renewToken();
    else client.retryNow();
    return true;
  }

  #begin(session, roomId) {
    const { here, page } = this;
    return new Talk({
      session,
      roomId,
      onChange: () => page.painter.soon(),
      onMessage: (where, message) => {
        const arrival = { roomId: where, message, isLookedAt: where === here.roomId };
        page.overview.arrived(here.talk, arrival, here.notifier);
      },
      onRefused: (where, problem) => this.#left(where, problem),
      onState: (state) => this.#stateChanged(state),
      onTokenWish: (wish) => page.view.wishToken(wish),
    });
  }

  // Only where there is an HTTP side, and it has a place for files, there is something to attach.
  async #learnUploadRules(client) {
    const rules = await client.uploads.rules().catch(() => null); // the next entry asks again
    for (const { tray } of this.page.exchanges) tray.use(rules);
  }

  #stateChanged(state) {
    const { here, page } = this;
    if (here.talk === null) return;
    const { session, client } = here.talk;
    if (state.phase === "online") for (const { tray } of page.exchanges) tray.goOn();
    if (state.needsToken) session.forgetToken();
    if (state.needsToken && client.userId === null) {
      this.#close({ roomId: here.roomId, problem: state.reason, needsToken: true });
      return;
    }
    page.painter.soon();
  }

  #leave(roomId) {
    this.here.talk.leave(roomId);
    this.#left(roomId, "");
  }

  /** A room is not there any more. */
  #left(roomId, problem) {
    const { here, page } = this;
    const [next] = here.talk.roomIds;
    if (next === undefined) {
      this.#close({ roomId, problem });
      return;
    }
    if (problem !== "") page.view.tell(`${here.talk.signedTitleOf(roomId)}: ${problem}`);
    if (roomId === here.roomId) page.navigation.look(next);
    page.painter.soon();
  }

  /** Back to the first screen. @param {object} start of it */
  #close(start) {
    const { here, page } = this;
    const { talk } = here;
    page.search.close();
    page.panels.close(false);
    here.leave();
    talk.close();
    page.view.wishToken(null);
    writeFragment();
    page.conversation.open(null);
    page.thread.forget();
    page.overview.sidebar.close();
    page.view.close();
    document.title = "Chat";
    page.entry.open({ name: talk.session.name, ...start });
  }
}
