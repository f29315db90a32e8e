// The keys, and what the words mean.
import { element } from "./dom.js";

const KEYS = [
  ["/", "find a node, pool or build by name"],
  ["g", "go to the nodes; arrow keys move there, Enter opens"],
  ["h  b", "colour the slots by heat, or by build"],
  ["t", "all tasks that run now"],
  ["Esc", "back to the whole farm"],
  ["d", "light, dark, or as the system has it"],
  ["?", "this help"],
];
const TIMELINE = [
  ["+  −  0", "in a timeline: nearer, farther, all of it"],
  ["←  →", "earlier, later"],
  ["n  p", "the next job, the one before"],
  ["Ctrl", "with the wheel: nearer, farther; drag to go earlier, later"],
];
const CHARTS = [["←  →", "on a chart: read it earlier, later"]];
const WORDS = [
  ["cold", "the slot has neither executor nor compilers: its first task waits for both"],
  ["staged", "compilers are on the node's disk, but no executor is ready"],
  ["ready", "an executor is warm and takes a task at once"],
  ["busy", "a task runs"],
];

function list(rows, tag) {
  return element("dl", {}, ...rows.flatMap(([name, what]) => [
    element("dt", {}, ...(tag ? name.split("  ").flatMap((key) => [element("kbd", {}, key), " "])
      : [name])), element("dd", {}, what)]));
}

export function makeHelp(dialog, button) {
  dialog.append(
    element("h2", { id: "help-title" }, "Keys and meanings"),
    list([...KEYS, ...TIMELINE, ...CHARTS], true),
    element("h3", {}, "Heat of a slot"), list(WORDS, false),
    element("form", { method: "dialog" }, element("button", { class: "quiet" }, "Close")));
  const open = () => dialog.open || dialog.showModal();
  button.addEventListener("click", open);
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog) dialog.close();
  });
  return open;
}
