/** Files in a message: pictures as thumbnails that keep their place, anything else as a link. */

import { element } from "./text.js";

const MAX_WIDTH_PX = 320;
const MAX_HEIGHT_PX = 240;
const LEAST_PX = 40;
const PICTURES = new Set(["image/png", "image/jpeg", "image/gif", "image/webp"]);
const UNITS = ["bytes", "KB", "MB", "GB"];

/** The part of a bubble with the files of its message. @param {{attachments: object[]}} row */
export function attachmentsPart({ attachments }) {
  const nodes = attachments.filter(isOurs).map((file) => (isPicture(file) ? thumbnail : link)(file));
  return nodes.length === 0 ? null : element("div", "attachments", ...nodes);
}

/** @param {object} file  @returns {boolean} whether it can be shown, and how large is known */
export function isPicture({ contentType, width, height }) {
  return PICTURES.has(contentType) && width > 0 && height > 0;
}

/** A picture whose place is kept before it has come, so that nothing jumps. */
export function picture({ url, name }, size) {
  const image = element("img");
  image.src = url;
  image.alt = name;
  image.width = size.width;
  image.height = size.height;
  image.loading = "lazy";
  image.decoding = "async";
  return image;
}

/** @param {number} bytes */
export function sizeText(bytes) {
  let size = bytes;
  let unit = 0;
  for (; size >= 1000 && unit < UNITS.length - 1; unit += 1) size /= 1000;
  return `${size < 10 && unit > 0 ? size.toFixed(1) : Math.round(size)} ${UNITS[unit]}`;
}

/** What a picture is shrunk to. @param {{width: number, height: number}} file */
export function shownSize({ width, height }, maxWidth = MAX_WIDTH_PX, maxHeight = MAX_HEIGHT_PX) {
  const scale = Math.min(1, maxWidth / width, maxHeight / height);
  const least = (pixels) => Math.max(LEAST_PX, Math.round(pixels * scale));
  return { width: least(width), height: least(height) };
}

// An address elsewhere would tell somebody who reads this; our server never makes one.
function isOurs({ url }) {
  return URL.canParse?.(url, location.origin) && new URL(url, location.origin).origin === location.origin
    && url.startsWith("/files/");
}

function thumbnail(file) {
  const button = element("button", "thumbnail", picture(file, shownSize(file)));
  button.type = "button";
  button.ariaLabel = `Open picture ${file.name}`;
  button.addEventListener("click", () => openLarge(file));
  return button;
}

function link(file) {
  const size = element("small", "", sizeText(file.size));
  const node = element("a", "file", element("span", "", file.name), size);
  node.href = file.url;
  node.download = file.name;
  node.rel = "noopener noreferrer";
  node.ariaLabel = `Download ${file.name}, ${sizeText(file.size)}`;
  return node;
}

function openLarge(file) {
  const dialog = document.getElementById("large");
  const { name, url, width, height, size } = file;
  const original = element("a", "", "Open the file");
  original.href = url;
  original.target = "_blank";
  original.rel = "noopener noreferrer";
  const close = element("button", "", "Close");
  close.type = "button";
  close.addEventListener("click", () => dialog.close());
  const caption = element("p", "", element("span", "", `${name}, ${sizeText(size)}`), original, close);
  dialog.replaceChildren(picture(file, { width, height }), caption);
  dialog.ariaLabel = name;
  dialog.onclick = ({ target }) => target === dialog && dialog.close();
  dialog.onclose = () => dialog.replaceChildren();
  dialog.showModal();
  close.focus();
}
