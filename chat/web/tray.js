/** Files that are to go with the next message: chosen, pasted or dropped, uploaded at once. */

import { isPicture, picture, shownSize, sizeText } from "./attachments.js";
import { element, setText } from "./text.js";

const CHIP_PX = 44;

export class Tray {
  #rules = null; // null: this server takes no files
  #items = new Map(); // by room and thread
  #room = null;
  #key = "";

  /**
   * @param {import("./composer.js").Composer} composer what is sent goes through it
   * @param {HTMLElement} place where files may be dropped
   * @param {(text: string) => void} tell says why something was not taken
   */
  constructor(composer, place, tell) {
    this.composer = composer;
    this.tell = tell;
    composer.tools.append(document.getElementById("attach-template").content.cloneNode(true));
    this.list = element("ul");
    this.list.ariaLabel = "Files to send";
    this.spoken = composer.tools.querySelector("p");
    this.button = composer.tools.querySelector(".attach");
    this.input = composer.tools.querySelector("input");
    composer.holds = () => this.#here.length > 0;
    composer.waits = () => this.#here.some(({ file }) => file === null);
    this.button.addEventListener("click", () => this.input.click());
    this.input.addEventListener("change", () => {
      this.#add(this.input.files);
      this.input.value = "";
    });
    composer.draft.addEventListener("paste", (event) => this.#pasted(event));
    for (const kind of ["dragenter", "dragover"]) {
      place.addEventListener(kind, (event) => this.#dragged(event, place));
    }
    place.addEventListener("dragleave", ({ target }) => target === place && drop(place));
    place.addEventListener("drop", (event) => this.#dropped(event, place));
  }

  /** @param {object | null} rules of the server */
  use(rules) {
    this.#rules = rules;
    this.button.hidden = rules === null;
  }

  /** @param {object | null} room null: none is open any more  @param {string} threadId */
  open(room, threadId = "") {
    if (room === null) {
      for (const items of this.#items.values()) for (const { end } of items) end.abort();
      this.#items.clear();
    }
    this.#room = room;
    this.#key = `${room?.roomId}/${threadId}`;
    this.#show();
  }

  /**
   * What is uploaded: fields of the message that is being sent.
   *
   * @param {{kind: string} | null} about
   */
  along(about) {
    const attachments = this.#here.map(({ file }) => file);
    return attachments.length === 0 || about?.kind === "edit" ? {} : { attachments };
  }

  /** It has gone with a message. */
  sent() {
    this.#items.delete(this.#key);
    this.#show();
  }

  /** The connection is back: what could not be sent goes on. */
  goOn() {
    for (const items of this.#items.values()) {
      for (const item of items) if (item.waits) this.#upload(item);
    }
  }

  get #here() {
    return this.#items.get(this.#key) ?? [];
  }

  #add(files) {
    if (this.#rules === null || this.#room === null) return;
    for (const blob of files) {
      const problem = this.#refusal(blob);
      if (problem !== null) {
        this.tell(problem);
        continue;
      }
      const end = new AbortController();
      const room = this.#room;
      const item = { room, blob, name: nameOf(blob), file: null, waits: false, problem: "", end };
      item.node = this.#chip(item);
      this.#items.set(this.#key, [...this.#here, item]);
      this.#upload(item);
    }
    this.#show();
    this.composer.focus();
  }

  // What is certain to be refused is not sent first.
  #refusal(blob) {
    const { maxBytes, maxAttachments } = this.#rules;
    if (this.#here.length >= maxAttachments) return `A message takes ${maxAttachments} files.`;
    if (blob.size === 0) return `${nameOf(blob)} is empty.`;
    if (blob.size > maxBytes) return `${nameOf(blob)} is larger than ${sizeText(maxBytes)}.`;
    return null;
  }

  async #upload(item) {
    Object.assign(item, { waits: false, problem: "", sent: 0 });
    this.#showItem(item);
    const onProgress = (sent) => {
      item.sent = sent;
      this.#showItem(item);
    };
    try {
      const { name, blob, end } = item;
      const options = { name, onProgress, signal: end.signal };
      item.file = await item.room.upload(blob, options);
      setText(this.spoken, `${name} is ready to be sent`);
    } catch (error) {
      if (item.end.signal.aborted) return;
      item.problem = problemText(error);
      item.waits = error.code === undefined;
      setText(this.spoken, `${item.name}: ${item.problem}`);
    }
    this.#showItem(item);
    this.composer.changed();
  }

  #remove(item) {
    item.end.abort();
    this.#items.set(this.#key, this.#here.filter((each) => each !== item));
    this.#show();
    this.composer.focus();
  }

  #show() {
    this.list.replaceChildren(...this.#here.map(({ node }) => node));
    this.composer.tray.replaceChildren(...(this.#here.length > 0 ? [this.list] : []));
    this.composer.changed();
  }

  #chip(item) {
    const bar = element("progress");
    bar.max = item.blob.size;
    bar.ariaLabel = `Uploading ${item.name}`;
    const again = button("Try again", `Upload ${item.name} again`);
    again.addEventListener("click", () => this.#upload(item));
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

  #dragged(event, place) {
    if (this.#rules === null || !event.dataTransfer.types.includes("Files")) return;
    event.preventDefault();
    place.classList.add("dropping");
  }

  #dropped(event, place) {
    drop(place);
    if (!event.dataTransfer.types.includes("Files")) return;
    event.preventDefault(); // the browser would leave the page for the file
    this.#add(event.dataTransfer.files);
  }
}

function drop(place) {
  place.classList.remove("dropping");
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
