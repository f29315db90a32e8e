// The one small window that tells what is under the pointer or the keyboard's frame.
import { element } from "./dom.js";

export function makeTip(root) {
  // `lines`: the first one is the head. The place is in the window's pixels.
  function show([head, ...lines], x, y) {
    root.replaceChildren(element("b", {}, head), ...lines.map((line) => element("p", {}, line)));
    root.hidden = false;
    const { width, height } = root.getBoundingClientRect();
    const left = Math.min(x + 14, window.innerWidth - width - 8);
    const below = y + 16 + height < window.innerHeight;
    root.style.left = `${Math.max(8, left)}px`;
    root.style.top = `${below ? y + 16 : Math.max(8, y - height - 12)}px`;
  }
  return { show, hide: () => { root.hidden = true; } };
}
