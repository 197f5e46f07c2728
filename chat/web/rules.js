/** What a room is like: its facts in words, and the dialog that changes them. */

import { field } from "./dialog.js";
import { checkbox, form, numberField } from "./forms.js";
import { element, plural } from "./text.js";

const SECOND_MS = 1_000;
const DAY_MS = 86_400_000;

/** @param {object} about of the SDK's room  @returns {string[]} what is unusual in it */
export function ruleWords({ readOnly, slowModeMs, historySize, historyMs, large }) {
  return [
    readOnly && "Only moderators write",
    slowModeMs > 0 && `${shortNumber(slowModeMs / SECOND_MS)} s between two messages of a person`,
    historySize !== undefined && `Keeps ${plural(historySize, "message", "messages")}`,
    historyMs !== undefined && `Keeps messages for ${daysWords(historyMs)}`,
    large && "Nobody is told who comes and goes",
  ].filter(Boolean);
}

/** @param {object} about  @returns {Node[]} what a dialog shows of it */
export function aboutNodes(about) {
  const topic = about.topic === undefined ? [] : [element("p", "topic", about.topic)];
  const words = ruleWords(about);
  if (words.length === 0) return topic;
  return [...topic, element("ul", "rules", ...words.map((each) => element("li", "", each)))];
}

/** @param {object} room  @param {() => void} onDone  @returns {Node[]} */
export function ruleParts(room, onDone) {
  const { about } = room;
  const title = field("Title", about.title);
  const topic = field("Topic", about.topic, 1_000);
  const slow = numberField("Seconds between two messages of a person", inUnits(about.slowModeMs, SECOND_MS), "Empty: as the server has it. Moderators do not wait.");
  const size = numberField("How many messages are kept", about.historySize, "Empty: as the server has it.");
  const days = numberField("For how many days", inUnits(about.historyMs, DAY_MS), "Empty: as the server has it.");
  const readOnly = checkbox("Only moderators write", about.readOnly ?? false);
  const large = checkbox("A large room", about.large ?? false, "Nobody is told who comes, goes and types.");
  const nodes = [title, topic, readOnly, slow, size, days, large].map(({ node }) => node);
  return [form(nodes, "Save", async () => {
    const change = changed(about, {
      title: title.input.value.trim() || null,
      topic: topic.input.value.trim() || null,
      slowModeMs: inMs(slow.input.value, SECOND_MS),
      historySize: inMs(size.input.value, 1),
      historyMs: inMs(days.input.value, DAY_MS),
      readOnly: readOnly.input.checked || null,
      large: large.input.checked || null,
    });
    if (Object.keys(change).length > 0) await room.change(change);
    onDone();
  })];
}

/** What is different: null where something is not to be set any more. */
export function changed(about, wish) {
  return Object.fromEntries(Object.entries(wish).filter(([name, value]) => {
    return value !== (about[name] ?? null);
  }));
}

function inUnits(ms, unitMs) {
  return ms === undefined ? undefined : shortNumber(ms / unitMs);
}

function inMs(text, unitMs) {
  const words = text.trim().replace(",", ".");
  if (words === "") return null;
  const number = Number(words);
  if (!(number >= 0)) throw new Error(`\u201c${text.trim()}\u201d is not a number.`);
  return Math.round(number * unitMs);
}

function daysWords(ms) {
  const days = shortNumber(ms / DAY_MS);
  return days === 1 ? "a day" : `${days} days`;
}

function shortNumber(value) {
  return Number(value.toPrecision(4));
}
