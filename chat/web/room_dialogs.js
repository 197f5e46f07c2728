/** The dialogs about rooms, people and messages: which one is opened, and what happens after. */

import { directParts, invitationParts, privateParts } from "./beginnings.js";
import { button, choices, field, part } from "./dialog.js";
import { attempt, form, sureButton } from "./forms.js";
import { sectionOf } from "./kinds.js";
import { moderates } from "./rights.js";
import { Roster } from "./roster.js";
import { aboutNodes, ruleParts } from "./rules.js";
import { roomParts } from "./settings.js";
import { element } from "./text.js";

const STATES = [
  { value: "online", label: "Online", about: "Away by itself when nobody is at any of your devices." },
  { value: "away", label: "Away" },
  { value: "busy", label: "Busy" },
];
const REASONS = [
  { value: "Spam", label: "Spam" },
  { value: "Harassment", label: "Harassment" },
  { value: "Something else", label: "Something else" },
];

export class RoomDialogs {
  #dialog;
  #talk;
  #notifier;
  #handlers;
  #roster = null;

  /**
   * @param {import("./dialog.js").Dialog} dialog
   * @param {import("./talk.js").Talk} talk
   * @param {import("./notifier.js").Notifier} notifier
   * @param {object} handlers onLook(roomId), onLeave(roomId), onLevel(), onTell(text)
   */
  constructor(dialog, talk, notifier, handlers) {
    this.#dialog = dialog;
    this.#talk = talk;
    this.#notifier = notifier;
    this.#handlers = handlers;
  }

  /** @param {string} roomId */
  openRoom(roomId) {
    const talk = this.#talk;
    const room = talk.room(roomId);
    const { kind } = sectionOf(roomId);
    const facts = element("section", "part", ...aboutNodes(room.about));
    if (moderates(talk.session.rights, room)) {
      facts.append(button("Title, topic and rules", "plain", () => this.#openRules(room)));
    }
    this.#roster = kind === "open" ? null : new Roster(room, talk);
    const leave = this.#leaveNodes(room, kind);
    const parts = [
      ...(facts.childElementCount > 0 ? [facts] : []),
      ...(this.#roster === null ? [] : [this.#roster.node]),
      ...roomParts({ roomId, notifier: this.#notifier, onLevel: this.#handlers.onLevel }),
      ...(leave.length > 0 ? [element("div", "part end", ...leave)] : []),
    ];
    this.renderRoster();
    this.#dialog.open(talk.titleOf(roomId), parts, () => {
      this.#roster = null;
    });
  }

  /** Who belongs to the room has changed. */
  renderRoster() {
    this.#roster?.render(this.#talk.participants.list);
  }

  openInvitation(roomId) {
    this.#dialog.open(this.#talk.titleOf(roomId), invitationParts({
      talk: this.#talk, roomId,
      onMade: (made) => this.#look(made),
      onDeclined: () => this.#dialog.close(),
    }));
  }

  newDirect() {
    const beginning = { talk: this.#talk, onMade: (roomId) => this.#look(roomId) };
    this.#dialog.open("New conversation", directParts(beginning));
  }

  newPrivate() {
    const beginning = { talk: this.#talk, onMade: (roomId) => this.#look(roomId) };
    this.#dialog.open("New private room", privateParts(beginning));
  }

  /** @param {{state: string, status?: string}} now how one is */
  openPresence({ state, status = "" }) {
    let chosen = state;
    const words = field("A few words", status, 100);
    const parts = [
      choices("You are", STATES, state, (value) => {
        chosen = value;
      }),
      words.node,
    ];
    this.#dialog.open("How you are", [form(parts, "Save", async () => {
      await this.#talk.setPresence(chosen, words.input.value.trim());
      this.#dialog.close();
    })]);
  }

  /** @param {object} room  @param {object} row of a message of somebody else */
  openReport(room, row) {
    let [{ value: reason }] = REASONS;
    const words = field("In your words", "", 300);
    const parts = [
      part(`A message of ${row.name}`, element("p", "quoted", row.content)),
      choices("What is wrong with it", REASONS, reason, (value) => {
        reason = value;
      }),
      words.node,
    ];
    this.#dialog.open("Report a message", [form(parts, "Report", async () => {
      await room.reportMessage(row, [reason, words.input.value.trim()].filter(Boolean).join(": "));
      this.#dialog.close();
      this.#handlers.onTell("Reported. Whoever runs this server looks at it.");
    })]);
  }

  #openRules(room) {
    this.#dialog.open("Title, topic and rules", ruleParts(room, () => this.#dialog.close()));
  }

  #leaveNodes(room, kind) {
    if (kind === "direct") return [];
    if (kind === "open") return [button("Leave the room", "danger", () => this.#leave(room))];
    const problem = element("p", "problem");
    problem.role = "alert";
    const leave = sureButton("Leave for good", "Really leave? It takes an invitation to come back", () => {
      attempt(async () => {
        await room.leaveForGood();
        this.#dialog.close();
      }, problem);
    });
    return [problem, leave];
  }

  #leave({ roomId }) {
    this.#dialog.close();
    this.#handlers.onLeave(roomId);
  }

  #look(roomId) {
    this.#dialog.close();
    this.#handlers.onLook(roomId);
  }
}
