/** Files that are to go with the next message: chosen, pasted or dropped, uploaded at once. */

import { isPicture, picture, shownSize, sizeText } from "./attachments.js";
import { element, setText } from "./text.js";

const CHIP_PX = 44;

const find = (id) => document.getElementById(id);

export class Tray {
  #rules = null; // null: this server takes no files
  #items = new Map(); // by room
  #roomId = null;

  /**
   * @param {object} handlers roomOf(roomId) returns the room of the SDK, onChange(), onTell(text)
   */
  constructor(handlers) {
    this.handlers = handlers;
    this.list = find("tray");
    this.input = find("attach-input");
    find("attach").addEventListener("click", () => this.input.click());
    this.input.addEventListener("change", () => {
      this.#add(this.input.files);
      this.input.value = "";
    });
    find("draft").addEventListener("paste", (event) => this.#pasted(event));
    const talk = document.querySelector(".talk");
    for (const kind of ["dragenter", "dragover"]) {
      talk.addEventListener(kind, (event) => this.#dragged(event, talk));
    }
    talk.addEventListener("dragleave", ({ target }) => target === talk && drop(talk));
    talk.addEventListener("drop", (event) => this.#dropped(event, talk));
  }

  /** @param {object | null} rules of the server */
  use(rules) {
    this.#rules = rules;
    find("attach").hidden = rules === null;
    this.input.accept = rules?.contentTypes.join(",") ?? "";
  }

  /** @param {string | null} roomId null: none is open any more */
  open(roomId) {
    if (roomId === null) {
      for (const items of this.#items.values()) for (const item of items) item.end.abort();
      this.#items.clear();
    }
    this.#roomId = roomId;
    this.#show();
  }

  /** Whether there is something to send, and whether all of it is uploaded. */
  get state() {
    const items = this.#here;
    return { empty: items.length === 0, ready: items.every(({ file }) => file !== null) };
  }

  /** Hand over what is uploaded for the open room. @returns {object[] | undefined} */
  take() {
    const files = this.#here.map(({ file }) => file);
    this.#items.delete(this.#roomId);
    this.#show();
    return files.length > 0 ? files : undefined;
  }

  /** The connection is back: what could not be sent goes on. */
  goOn() {
    for (const [roomId, items] of this.#items) {
      for (const item of items) if (item.waits) this.#upload(roomId, item);
    }
  }

  get #here() {
    return this.#items.get(this.#roomId) ?? [];
  }

  #add(files) {
    if (this.#rules === null || this.#roomId === null) return;
    for (const blob of files) {
      const problem = this.#refusal(blob);
      if (problem !== null) {
        this.handlers.onTell(problem);
        continue;
      }
      const end = new AbortController();
      const item = { blob, name: nameOf(blob), file: null, waits: false, problem: "", end };
      item.node = this.#chip(item);
      this.#items.set(this.#roomId, [...this.#here, item]);
      this.#upload(this.#roomId, item);
    }
    this.#show();
    find("draft").focus();
  }

  // What is certain to be refused is not sent first.
  #refusal(blob) {
    const { maxBytes, maxAttachments } = this.#rules;
    if (this.#here.length >= maxAttachments) return `A message takes ${maxAttachments} files.`;
    if (blob.size === 0) return `${nameOf(blob)} is empty.`;
    if (blob.size > maxBytes) return `${nameOf(blob)} is larger than ${sizeText(maxBytes)}.`;
    return null;
  }

  async #upload(roomId, item) {
    Object.assign(item, { waits: false, problem: "", sent: 0 });
    this.#showItem(item);
    const onProgress = (sent) => {
      item.sent = sent;
      this.#showItem(item);
    };
    try {
      const { name, blob, end } = item;
      const options = { name, onProgress, signal: end.signal };
      item.file = await this.handlers.roomOf(roomId).upload(blob, options);
      setText(find("tray-spoken"), `${name} is ready to be sent`);
    } catch (error) {
      if (item.end.signal.aborted) return;
      item.problem = problemText(error);
      item.waits = error.code === undefined;
      setText(find("tray-spoken"), `${item.name}: ${item.problem}`);
    }
    this.#showItem(item);
    this.handlers.onChange();
  }

  #remove(item) {
    item.end.abort();
    for (const [roomId, items] of this.#items) {
      this.#items.set(roomId, items.filter((each) => each !== item));
    }
    this.#show();
    find("draft").focus();
  }

  #show() {
    this.list.replaceChildren(...this.#here.map(({ node }) => node));
    this.list.hidden = this.#here.length === 0;
    this.handlers.onChange();
  }

  #chip(item) {
    const bar = element("progress");
    bar.max = item.blob.size;
    bar.ariaLabel = `Uploading ${item.name}`;
    const again = button("Try again", `Upload ${item.name} again`);
    again.addEventListener("click", () => this.#upload(this.#roomId, item));
    const remove = button("\u00d7", `Remove ${item.name}`);
    remove.addEventListener("click", () => this.#remove(item));
    const words = element("span", "words", element("b", "", item.name), element("small"));
    return element("li", "", element("span", "preview"), words, bar, again, remove);
  }

  #showItem({ node, file, problem, sent, blob }) {
    const [preview, words, bar, again] = node.children;
    node.classList.toggle("failed", problem !== "");
    bar.hidden = file !== null || problem !== "";
    if (sent > 0) bar.value = sent;
    again.hidden = problem === "";
    setText(words.querySelector("small"), problem === "" ? sizeText(blob.size) : problem);
    if (file === null || preview.firstChild !== null || !isPicture(file)) return;
    preview.append(picture({ ...file, name: "" }, shownSize(file, CHIP_PX, CHIP_PX)));
  }

  #pasted(event) {
    const files = event.clipboardData?.files ?? [];
    if (files.length === 0 || this.#rules === null) return;
    event.preventDefault();
    this.#add(files);
  }

  #dragged(event, talk) {
    if (this.#rules === null || !event.dataTransfer.types.includes("Files")) return;
    event.preventDefault();
    talk.classList.add("dropping");
  }

  #dropped(event, talk) {
    drop(talk);
    if (!event.dataTransfer.types.includes("Files")) return;
    event.preventDefault(); // the browser would leave the page for the file
    this.#add(event.dataTransfer.files);
  }
}

function drop(talk) {
  talk.classList.remove("dropping");
}

function button(text, label) {
  const node = element("button", "", text);
  node.type = "button";
  node.ariaLabel = label;
  return node;
}

// What is pasted has a name of the browser's, the same for every picture.
function nameOf({ name = "", type }) {
  return name === "" ? `pasted.${type.split("/")[1] ?? "bin"}` : name;
}

function problemText(error) {
  switch (error.code) {
    case "file_too_large":
      return "It is too large.";
    case "file_type_refused":
      return "Files of this kind are not taken here.";
    case "rate_limited":
      return `Too many files at once: wait ${Math.ceil((error.retryAfterMs ?? 1000) / 1000)} s.`;
    case undefined:
      return "No connection. It goes on when it is back.";
    default:
      return error.message;
  }
}
