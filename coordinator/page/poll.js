// Asks again and again: once a second, one question at a time, not while nobody looks, and ever
// more seldom while nobody answers.

export const EVERY_MS = 1000;
export const LONGEST_MS = 15000;
const ANSWER_MS = 10000;

// How long to wait after so many failures in a row.
export function pauseAfter(failures) {
  return failures === 0 ? EVERY_MS : Math.min(LONGEST_MS, EVERY_MS * 2 ** (failures - 1));
}

// The JSON at `path`. Throws with words for people when there is none.
export async function askJson(path) {
  let reply = null;
  try {
    reply = await fetch(path, { signal: AbortSignal.timeout(ANSWER_MS), cache: "no-store" });
  } catch (error) {
    const late = error.name === "TimeoutError";
    throw new Error(late ? "the coordinator does not answer" : "the coordinator is not there");
  }
  if (reply.status === 404) return null;
  if (!reply.ok) throw new Error(`the coordinator answers with ${reply.status}`);
  return reply.json();
}

// `look()` asks and shows; `told({failures, error, next})` hears how each time went, `next` being
// the time of the next one. now() asks at once.
export function makePoller(look, told) {
  let timer = null;
  let busy = false;
  let again = false;
  let failures = 0;

  async function turn() {
    clearTimeout(timer);
    timer = null;
    if (document.hidden) return;
    if (busy) {
      again = true;
      return;
    }
    busy = true;
    let error = null;
    try {
      await look();
      failures = 0;
    } catch (caught) {
      error = caught;
      failures += 1;
    }
    busy = false;
    const pause = again && !error ? 0 : pauseAfter(failures);
    again = false;
    told({ failures, error, next: Date.now() + pause });
    timer = setTimeout(turn, pause);
  }

  document.addEventListener("visibilitychange", turn);
  window.addEventListener("online", turn);
  return { now: turn };
}
