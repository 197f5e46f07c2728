/** How private and direct rooms begin: the dialogs that make one, and that answer an invitation. */

import { button, field } from "./dialog.js";
import { attempt, form } from "./forms.js";
import { peopleChoice } from "./people_choice.js";
import { element } from "./text.js";

/**
 * @typedef {object} Beginning
 * @property {import("./talk.js").Talk} talk
 * @property {(roomId: string) => void} onMade the room is there and one is in it: look at it
 */

/** @param {Beginning} beginning  @returns {Node[]} */
export function directParts({ talk, onMade }) {
  const choice = peopleChoice(talk.known, "People you know");
  return [form(choice.nodes, "Start the conversation", async () => {
    const userIds = choice.chosen();
    if (userIds.length === 0) throw new Error("Choose somebody, or write an id.");
    const { roomId } = await talk.client.openDirect(userIds);
    talk.join(roomId);
    onMade(roomId);
  })];
}

/** @param {Beginning} beginning  @returns {Node[]} */
export function privateParts({ talk, onMade }) {
  const title = field("Title");
  const topic = field("Topic", "", 1_000);
  const choice = peopleChoice(talk.known, "Invite");
  return [form([title.node, topic.node, ...choice.nodes], "Make the room", async () => {
    const given = (input) => input.value.trim() || undefined;
    const about = { title: given(title.input), topic: given(topic.input) };
    const { roomId } = await talk.client.createRoom({ ...about, userIds: choice.chosen() });
    talk.join(roomId);
    onMade(roomId);
  })];
}

/**
 * @param {Beginning & {roomId: string, onDeclined: () => void}} invitation
 * @returns {Node[]}
 */
export function invitationParts({ talk, roomId, onMade, onDeclined }) {
  const { role, by } = talk.own.get(roomId);
  const who = by === undefined ? "You are invited" : `${talk.nameOf(by)} invites you`;
  const problem = element("p", "problem");
  problem.role = "alert";
  const answer = (accept, then) => () => attempt(async () => {
    await talk.client.answerInvitation(roomId, accept);
    then(roomId);
  }, problem);
  const accept = button("Accept", "plain", answer(true, () => {
    talk.join(roomId);
    onMade(roomId);
  }));
  accept.autofocus = true;
  const buttons = element("div", "row", accept, button("Decline", "danger", answer(false, onDeclined)));
  const words = `${who} to take part in this room as ${role}. You see what is said there once you accept.`;
  return [element("section", "part", element("p", "", words), problem, buttons)];
}
