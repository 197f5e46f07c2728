/** Bringing what is known to the screen: after a change, with the clock, and when one comes back. */

const REPAINT_MS = 30_000; // "5 min. ago" is not true for longer

export class Painting {
  /** @param {import("./here.js").Here} here  @param {import("./page.js").Page} page */
  constructor(here, page) {
    this.here = here;
    this.page = page;
  }

  /** Follow the clock, and whether the page is looked at. */
  start() {
    setInterval(() => this.#everySecond(), 1_000);
    setInterval(() => this.#now(), REPAINT_MS);
    document.addEventListener("visibilitychange", () => this.#seen());
  }

  paint() {
    const { here, page } = this;
    const { room, talk, roomId, notifier } = here;
    if (room === undefined) return;
    const { scene } = here;
    page.conversation.render(scene);
    page.thread.render(scene);
    page.search.render(scene.entries, { canLoad: room.timeline.hasOlder, state: room.olderState });
    page.destination.reach(scene.entries);
    const listsMentions = page.panels.side === "mentions";
    page.overview.paint(talk, roomId, { notifier, listsMentions });
    here.dialogs.renderRoster();
    this.mark();
  }

  /** Show in what is on screen what is looked for. */
  mark() {
    this.page.search.mark(this.page.exchanges.map(({ stream }) => stream.list));
  }

  /** What is told by the clock: "5 min. ago", when somebody was last seen. */
  #now() {
    this.here.talk?.participants.refreshSoon();
    this.page.painter.soon();
  }

  #everySecond() {
    const { room, talk, roomId } = this.here;
    if (room !== undefined) this.page.overview.paintPeople(talk, roomId);
  }

  #seen() {
    const { conversation, painter } = this.page;
    if (!document.hidden) conversation.cameBack();
    if (document.hidden) painter.now(); // a frame that was asked for may not come any more
    else painter.soon();
  }
}
