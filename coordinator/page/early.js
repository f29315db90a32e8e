// Before anything is drawn: the theme, so that no page flashes in the other one. theme.js goes on.
(() => {
  let wish = null;
  try {
    wish = localStorage.getItem("kiln-theme");
  } catch { /* not allowed: as the system has it */ }
  if (wish !== "light" && wish !== "dark") {
    wish = matchMedia("(prefers-color-scheme: light)").matches ? "light" : "dark";
  }
  document.documentElement.dataset.theme = wish;
})();
