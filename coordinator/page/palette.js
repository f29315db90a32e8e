// The colours of the style sheet, for canvases, which know no custom properties.

const NAMES = ["text", "muted", "line", "line-strong", "panel", "chamber", "accent", "focus",
  "good", "bad", "cold", "staged", "ready", "ready-edge", "busy", "busy-core", "busy-edge",
  "draining", "lost", "mark-text",
  "build-unknown", "build-0", "build-1", "build-2", "build-3", "build-4", "build-5", "build-6",
  "build-7"];

// {name: colour}, and under `builds` those of builds by number.
export function readPalette() {
  const style = getComputedStyle(document.documentElement);
  const palette = {};
  for (const name of NAMES) palette[name] = style.getPropertyValue(`--${name}`).trim();
  palette.builds = Array.from({ length: 8 }, (_, number) => palette[`build-${number}`]);
  return palette;
}

export const FONT = 'Inter, system-ui, "Segoe UI", Roboto, "Noto Sans", sans-serif';

// Makes the canvas as many dots as it has on the screen. {context, width, height} with a scale of
// one unit a CSS pixel. Setting its size again would clear it, so that is done on change alone.
export function prepare(canvas, width, height) {
  const dots = window.devicePixelRatio || 1;
  const wide = Math.max(1, Math.round(width * dots));
  const high = Math.max(1, Math.round(height * dots));
  if (canvas.width !== wide) canvas.width = wide;
  if (canvas.height !== high) canvas.height = high;
  const context = canvas.getContext("2d");
  context.setTransform(dots, 0, 0, dots, 0, 0);
  return context;
}
