/** Whether one points with a finger: then a draft is not focused by itself, as a keyboard comes up. */
export function isTouch() {
  return matchMedia("(pointer: coarse)").matches;
}
