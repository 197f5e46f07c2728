/** The beginning: from the address or the form into a room, and what buttons and keys lead to. */

import { showBars } from "./appearance.js";
import { Here } from "./here.js";
import { watchIdleness } from "./idle.js";
import { helpParts, listenToKeys } from "./keys.js";
import { Page } from "./page.js";
import { goToRegion } from "./regions.js";
import { readFragment } from "./session.js";
import { preferenceParts } from "./settings.js";

const here = new Here();
const page = new Page(here);

function listen() {
  const { navigation, search, dialog } = page;
  const help = () => dialog.open("Keyboard shortcuts", helpParts());
  const press = (id, act) => document.getElementById(id).addEventListener("click", act);
  press("room-about", () => here.dialogs.openRoom(here.roomId));
  press("me", () => here.dialogs.openPresence(here.talk.presence));
  press("search-open", () => search.open());
  press("mentions-open", () => navigation.toggleMentions());
  press("preferences-open", () => dialog.open("Preferences", preferenceParts(here.notifier)));
  press("help-open", help);
  listenToKeys({
    search: () => search.open(),
    room: (step) => navigation.lookBeside(step),
    news: () => navigation.lookAtNews(),
    mentions: () => navigation.toggleMentions(),
    region: goToRegion,
    help,
  }, () => here.talk !== null && !dialog.isOpen);
  addEventListener("hashchange", () => location.reload());
  watchIdleness((isIdle) => here.talk?.client.setIdle(isIdle));
  page.painting.start();
}

function start() {
  showBars();
  const { roomId, name } = readFragment();
  if (roomId !== null && name !== "") page.visit.enter({ roomId, name, token: "" });
  else page.entry.open({ roomId, name });
}

listen();
start();
