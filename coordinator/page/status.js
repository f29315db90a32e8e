// Whether what is shown is the farm as it is now, and since when it is not.
import { setAttribute, setText } from "./dom.js";
import { span } from "./format.js";

export function makeStatus(root, text, about) {
  let heard = null;  // when the coordinator answered last, by our clock
  let trouble = null;
  let timer = null;

  function show() {
    const away = trouble !== null;
    setAttribute(root, "data-state", away ? "away" : heard === null ? "loading" : "live");
    document.body.classList.toggle("away", away);
    if (!away) return setText(text, heard === null ? "connecting …" : "live");
    const left = Math.max(0, Math.ceil((trouble.next - Date.now()) / 1000));
    const again = left > 0 ? `trying again in ${left} s` : "trying again";
    const since = heard === null ? "no answer yet"
      : `stale for ${Math.max(1, Math.round((Date.now() - heard) / 1000))} s`;
    setText(text, `${since}: ${trouble.error.message}, ${again}`);
  }

  // What poll.js told of the last time.
  function told({ failures, error, next }) {
    if (failures === 0) heard = Date.now();
    trouble = failures === 0 ? null : { error, next };
    if (trouble && timer === null) timer = setInterval(show, 1000);
    if (!trouble && timer !== null) {
      clearInterval(timer);
      timer = null;
    }
    show();
  }

  function update(state) {
    setText(about, `coordinator ${state.version}, up ${span(state.now - state.started)}`);
  }

  return { told, update };
}
