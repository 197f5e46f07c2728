/** The part of a room's dialog that shows who belongs to it, and changes that. */

import { part } from "./dialog.js";
import { attempt, form, sureButton, userField } from "./forms.js";
import { mayRemove, rank } from "./rights.js";
import { stateDot, whereabouts } from "./states.js";
import { avatar, element } from "./text.js";

const ROLES = ["member", "moderator", "owner"];

export class Roster {
  #room;
  #talk;
  #list = element("ul", "roster");
  #problem = element("p", "problem");

  /**
   * @param {object} room private or direct
   * @param {import("./talk.js").Talk} talk
   */
  constructor(room, talk) {
    this.#room = room;
    this.#talk = talk;
    this.#problem.role = "alert";
    this.node = part("Who takes part", this.#list, this.#problem);
    const invites = rank(room.role) >= rank("moderator") && !room.roomId.startsWith("direct:");
    if (invites) this.node.append(this.#inviteForm());
  }

  /** @param {object[]} participants of `participants.js` */
  render(participants) {
    const here = participants.map(({ userId }) => this.#room.members.get(userId));
    const signature = JSON.stringify([participants, here, this.#room.role]);
    if (this.#list.dataset.signature === signature) return;
    this.#list.dataset.signature = signature;
    const { label } = this.#list.contains(document.activeElement) ? document.activeElement.dataset : {};
    this.#list.replaceChildren(...participants.map((each) => this.#row(each)));
    if (label !== undefined) {
      const same = this.#list.querySelector(`[data-label="${CSS.escape(label)}"]`);
      (same ?? this.#list.closest("dialog")).focus();
    }
  }

  #row(participant) {
    const { userId, role, invited = false } = participant;
    const { state, status } = { state: "offline", ...participant, ...this.#room.members.get(userId) };
    const { selfId } = this.#talk;
    const name = this.#talk.nameOf(userId);
    const own = userId === selfId;
    const facts = [invited ? "invited" : whereabouts({ ...participant, state }), status];
    const who = element("span", "who", element("span", "name", own ? `${name} (you)` : name),
      element("small", "", facts.filter(Boolean).join(" \u00b7 ")));
    const face = element("span", "face", avatar(userId, name));
    if (!invited) face.append(stateDot(state));
    const node = element("li", "", face, who);
    const direct = this.#room.roomId.startsWith("direct:");
    if (!direct) node.append(...this.#handles({ userId, role, name, own, invited }));
    return node;
  }

  #handles({ userId, role, name, own, invited }) {
    const mine = this.#room.role;
    const nodes = [];
    if (mine === "owner" && !own && !invited) nodes.push(this.#roleChoice(userId, role, name));
    else nodes.push(element("span", "role", role));
    if (!own && mayRemove(mine, role)) {
      const remove = sureButton("Remove", "Really?", () => this.#do(() => this.#room.removeParticipant(userId)));
      remove.title = `Remove ${name}`;
      remove.dataset.label = `remove ${userId}`;
      nodes.push(remove);
    }
    return nodes;
  }

  #roleChoice(userId, role, name) {
    const select = element("select", "", ...ROLES.map((each) => {
      const option = element("option", "", each);
      option.selected = each === role;
      return option;
    }));
    select.ariaLabel = `Role of ${name}`;
    select.dataset.label = `role ${userId}`;
    select.addEventListener("change", () => {
      this.#do(() => this.#room.setRole(userId, select.value).catch((error) => {
        select.value = role;
        throw error;
      }));
    });
    return select;
  }

  #inviteForm() {
    const { input, node } = userField("Invite a user", this.#talk.known);
    return form([node], "Invite", async () => {
      const userId = input.value.trim();
      if (userId === "") throw new Error("Whom?");
      await this.#room.invite(userId);
      input.value = "";
    }, "plain");
  }

  #do(act) {
    attempt(act, this.#problem);
  }
}
