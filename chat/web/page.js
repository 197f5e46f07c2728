/** The parts of the page, each made once, and who is asked when something happens in one of them. */

import { Acts } from "./acts.js";
import { Conversation } from "./conversation.js";
import { Destination } from "./destination.js";
import { Dialog } from "./dialog.js";
import { Entry } from "./entry.js";
import { Navigation } from "./navigation.js";
import { Overview } from "./overview.js";
import { Painter } from "./painter.js";
import { Painting } from "./painting.js";
import { Panels } from "./panels.js";
import { Picker } from "./picker.js";
import { Search } from "./search.js";
import { ThreadPanel } from "./thread.js";
import { View } from "./view.js";
import { Visit } from "./visit.js";

export class Page {
  /** @param {import("./here.js").Here} here */
  constructor(here) {
    this.here = here;
    this.navigation = new Navigation(here, this);
    this.visit = new Visit(here, this);
    this.painting = new Painting(here, this);
    this.painter = new Painter(() => this.painting.paint());
    this.entry = new Entry((wish) => this.visit.enter(wish));
    this.dialog = new Dialog();
    this.view = new View({
      onRetryConnection: () => here.talk.client.retryNow(),
      onToken: (text) => this.visit.takeToken(text),
    });
    this.#makeExchanges();
    this.#makeSurroundings();
  }

  /** Where one reads and writes. */
  get exchanges() {
    return [this.conversation, this.thread];
  }

  #makeExchanges() {
    const { here } = this;
    const tell = (text) => this.view.tell(text);
    const acts = new Acts(() => here.room, () => here.talk.people(here.roomId), tell);
    const picker = new Picker();
    const handlers = {
      onMore: (row, ...where) => picker.open(...where, (reaction) => acts.react(row, reaction)),
      onShown: () => this.painting.mark(),
      onReport: (row) => here.dialogs.openReport(here.room, row),
      onTell: tell,
    };
    const onThread = (rootId) => this.navigation.openThread(rootId);
    this.conversation = new Conversation(acts, { ...handlers, onThread });
    this.thread = new ThreadPanel(acts, handlers);
  }

  #makeSurroundings() {
    const { here, navigation } = this;
    this.destination = new Destination({
      look: (roomId) => navigation.look(roomId),
      openThread: (rootId) => {
        navigation.openThread(rootId);
        this.thread.render(here.scene);
      },
      streams: () => ({ conversation: this.conversation.stream, thread: this.thread.stream }),
    });
    this.panels = new Panels({ thread: () => this.thread.close() });
    this.overview = new Overview(this.view, {
      onSelect: (roomId) => navigation.select(roomId),
      onJoin: (text) => navigation.join(text),
      onGo: (roomId, messageId) => navigation.go(roomId, messageId),
      onNewPrivate: () => here.dialogs.newPrivate(),
      onNewDirect: () => here.dialogs.newDirect(),
    });
    this.search = new Search({
      onChange: () => this.painter.soon(),
      onShow: (message) => this.destination.show(message, false),
      onLoad: () => here.room.loadOlder(),
      onClose: () => this.conversation.composer.focus(),
    });
  }
}
