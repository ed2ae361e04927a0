// What the store receives: the last items at once, then each as it comes, by stream or by asking.
import { get } from "./api.js";

const POLL = 4000;
const LONGEST_SILENCE = 40_000;

/** Calls `on.items(list)` for the first page, `on.item(one)` for news, `on.line(up)` for the line. */
export async function listen(on) {
  let after = "0";
  let stream = null;
  let timer = null;

  const take = (item) => {
    if (BigInt(item.id) <= BigInt(after)) return;
    after = item.id;
    on.item(item);
  };
  const poll = async () => {
    clearTimeout(timer);
    try {
      const page = await get("/feed", { after, limit: 50 });
      [...page.items].reverse().forEach(take);
      on.line(true);
      if (!stream || stream.readyState === EventSource.CLOSED) openStream();
    } catch (error) {
      on.line(false, error);
    }
    timer = setTimeout(poll, stream?.readyState === EventSource.OPEN ? LONGEST_SILENCE : POLL);
  };
  const openStream = () => {
    stream?.close();
    stream = new EventSource(`/pos/api/feed/stream?after=${after}`);
    stream.addEventListener("ready", () => on.line(true));
    stream.addEventListener("reset", poll);
    stream.onmessage = (message) => {
      take(JSON.parse(message.data));
      on.line(true);
    };
    stream.onerror = () => {
      stream.close();
      clearTimeout(timer);
      timer = setTimeout(poll, 1000);
    };
  };

  try {
    const page = await get("/feed", { limit: 30 });
    after = page.resume_after;
    on.items(page.items);
    on.line(true);
    openStream();
    timer = setTimeout(poll, LONGEST_SILENCE);
  } catch (error) {
    on.line(false, error);
    timer = setTimeout(poll, POLL);
  }
  addEventListener("online", poll);
  addEventListener("offline", () => on.line(false));
  addEventListener("pagehide", () => stream?.close());
}
