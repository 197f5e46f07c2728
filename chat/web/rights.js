/** What a person may do, as far as a page can know: pure. The server decides; this spares questions. */

const RANKS = ["member", "moderator", "owner"];

/**
 * Whether a token's claim `rooms` allows an action.
 *
 * @param {Record<string, string[]>} claim actions by pattern of room ids
 * @param {string} roomId  @param {string} action
 */
export function allows(claim, roomId, action) {
  return Object.entries(claim).some(([pattern, actions]) => {
    return Array.isArray(actions) && actions.includes(action) && matches(pattern, roomId);
  });
}

/** Whether one keeps order in a room: by the token, or by one's role in a private one. */
export function moderates(claim, { roomId, role }) {
  return rank(role) >= rank("moderator") || allows(claim, roomId, "moderate");
}

/** Whether somebody of a role may take a participant out of a private room. */
export function mayRemove(role, theirs) {
  return role === "owner" || (role === "moderator" && theirs === "member");
}

export function rank(role) {
  return RANKS.indexOf(role);
}

function matches(pattern, roomId) {
  const parts = pattern.split("*").map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
  return new RegExp(`^${parts.join(".*")}$`, "s").test(roomId);
}
