// Light or dark: as the system has it, until somebody says otherwise; that is kept.

const KEY = "kiln-theme";
const NEXT = { system: "light", light: "dark", dark: "system" };
const SIGN = { system: "◐", light: "☀", dark: "☾" };

function stored() {
  try {
    const value = localStorage.getItem(KEY);
    return value in NEXT ? value : "system";
  } catch {
    return "system";
  }
}

// `changed()` is called when colours are other ones. Returns a function that goes to the next.
export function makeTheme(button, changed) {
  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  let wish = stored();

  function show() {
    const theme = wish === "system" ? (dark.matches ? "dark" : "light") : wish;
    document.documentElement.dataset.theme = theme;
    button.textContent = SIGN[wish];
    button.title = `Colours: ${wish} (d)`;
    button.setAttribute("aria-label", `Colours: ${wish}; change to ${NEXT[wish]}`);
    changed();
  }

  function next() {
    wish = NEXT[wish];
    try {
      localStorage.setItem(KEY, wish);
    } catch { /* it then lasts as long as the page */ }
    show();
  }

  dark.addEventListener("change", show);
  button.addEventListener("click", next);
  show();
  return next;
}
