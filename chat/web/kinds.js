/** What kind of room an id names, and the sections of the sidebar: pure. */

/** In this order; `prefix` is how ids of that kind begin, null where they begin otherwise. */
export const SECTIONS = [
  { kind: "open", title: "Rooms", prefix: null, sign: "#" },
  { kind: "private", title: "Private", prefix: "private:", sign: "\u25C6" },
  { kind: "direct", title: "Direct", prefix: "direct:", sign: "@" },
];

/** @returns {object} of `SECTIONS` */
export function sectionOf(roomId) {
  return SECTIONS.find(({ prefix }) => prefix !== null && roomId.startsWith(prefix)) ?? SECTIONS[0];
}

/** Where a kind stands among the others. */
export function orderOf(roomId) {
  return SECTIONS.indexOf(sectionOf(roomId));
}

/** What a room is called where nobody has given it a title. */
export function plainTitle(roomId) {
  return roomId.slice((sectionOf(roomId).prefix ?? "").length);
}
