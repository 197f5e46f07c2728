/** Whom a person may mean who has begun to write `@...`: pure. */

const QUERY = /(?:^|[\s(])@((?:[\p{L}\p{N}._-]+(?: [\p{L}\p{N}._-]*)?)?)$/u;
const MOST = 8;

/**
 * @param {string} text  @param {number} caret
 * @returns {{from: number, query: string} | null} `from` is where the `@` stands
 */
export function queryAt(text, caret) {
  const found = QUERY.exec(text.slice(0, caret));
  if (found === null) return null;
  return { from: caret - found[1].length - 1, query: found[1] };
}

/**
 * @param {{userId: string, name: string}[]} people
 * @param {string} query
 * @returns {{userId: string, name: string}[]} those whose name, or a word of it, begins like that;
 *   none once a name is complete: Enter is to send then
 */
export function suggested(people, query) {
  const wanted = query.toLowerCase();
  if (people.some(({ name }) => name.toLowerCase() === wanted)) return [];
  const rank = ({ userId, name }) => {
    const lower = name.toLowerCase();
    if (lower.startsWith(wanted)) return 0;
    if (lower.split(/[\s._@-]+/).some((word) => word.startsWith(wanted))) return 1;
    return userId.toLowerCase().startsWith(wanted) ? 2 : 3;
  };
  return people
    .map((person) => ({ person, place: rank(person) }))
    .filter(({ place }) => place < 3)
    .sort((one, other) => one.place - other.place)
    .slice(0, MOST)
    .map(({ person }) => person);
}
