/** What one fills in, in a dialog. */

import { button, field } from "./dialog.js";
import { element, setText } from "./text.js";

const SURE_MS = 4_000;

/**
 * A form that does something and says why where it could not.
 *
 * @param {Node[]} parts
 * @param {string} label of its button
 * @param {() => Promise<unknown>} act rejects with an error whose message is shown
 * @param {string} look of the button
 */
export function form(parts, label, act, look = "primary") {
  const problem = element("p", "problem");
  problem.role = "alert";
  const submit = element("button", look, label);
  submit.type = "submit";
  const node = element("form", "part", ...parts, problem, submit);
  const first = node.querySelector("input:checked, input");
  if (look === "primary" && first !== null) first.autofocus = true; // what the dialog is for
  node.noValidate = true;
  node.autocomplete = "off";
  node.addEventListener("submit", async (event) => {
    event.preventDefault();
    submit.disabled = true;
    await attempt(act, problem);
    submit.disabled = false;
  });
  return node;
}

/** Do something and show why it did not work. @param {() => Promise<unknown>} act */
export async function attempt(act, problem) {
  setText(problem, "");
  try {
    await act();
  } catch (error) {
    setText(problem, error.message);
  }
}

/** @returns {{node: HTMLElement, input: HTMLInputElement}} */
export function checkbox(label, checked, about) {
  const input = element("input");
  Object.assign(input, { type: "checkbox", checked });
  const text = element("span", "", label);
  if (about !== undefined) text.append(element("small", "", about));
  return { node: element("label", "choice", input, text), input };
}

/** A number in some unit; empty for none. @returns {{node: HTMLElement, input: HTMLInputElement}} */
export function numberField(label, value, about) {
  const made = field(label, value === undefined ? "" : String(value), 12);
  made.input.inputMode = "decimal";
  if (about !== undefined) made.node.append(element("small", "", about));
  return made;
}

let lists = 0; // ids have to differ

/** A field that knows some users. @param {{userId: string, name: string}[]} people */
export function userField(label, people) {
  const made = field(label, "", 128);
  const list = element("datalist", "", ...people.map(({ userId, name }) => {
    const option = element("option", "", name === userId ? "" : name);
    option.value = userId;
    return option;
  }));
  list.id = `users-${(lists += 1)}`;
  made.input.setAttribute("list", list.id);
  made.input.autocapitalize = "none";
  made.input.spellcheck = false;
  made.node.append(list);
  return made;
}

/** What can not be undone takes two presses. @param {() => void} act */
export function sureButton(text, sure, act) {
  let timer;
  const node = button(text, "danger", () => {
    if (node.textContent === sure) {
      clearTimeout(timer);
      setText(node, text);
      act();
      return;
    }
    setText(node, sure);
    timer = setTimeout(() => setText(node, text), SURE_MS);
  });
  return node;
}

/** @param {string} text ids between commas or space */
export function userIdsIn(text) {
  return [...new Set(text.split(/[\s,;]+/).filter(Boolean))];
}
