// The text in the address of the page, and the texts in the browser's memory.

const OPEN = "specc.text"; // the key of a tab's text
const DRAFT = "specc.draft"; // the key of the name of a tab's draft; what the names of drafts begin with
const MOST = 8; // drafts
const LARGEST = 1_000_000; // characters

// The text as the end of an address: packed, in base64 without the signs that addresses do not take.
export async function packed(text) {
  const stream = new Blob([text]).stream().pipeThrough(new CompressionStream("deflate-raw"));
  const bytes = new Uint8Array(await new Response(stream).arrayBuffer());
  let letters = "";
  for (const byte of bytes) letters += String.fromCharCode(byte);
  return `#cnn=${btoa(letters).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "")}`;
}

// The text in an address; null where there is none, or it is damaged or far too large.
export async function unpacked(hash) {
  const coded = hash.match(/^#cnn=([\w-]+)$/)?.[1];
  if (!coded) return null;
  try {
    const letters = atob(coded.replaceAll("-", "+").replaceAll("_", "/"));
    const stream = new Blob([Uint8Array.from(letters, (letter) => letter.charCodeAt(0))])
      .stream()
      .pipeThrough(new DecompressionStream("deflate-raw"))
      .pipeThrough(new TextDecoderStream("utf-8", { fatal: true }));
    let text = "";
    for (let reader = stream.getReader(), next; !(next = await reader.read()).done; ) {
      text += next.value;
      if (text.length > LARGEST) return null;
    }
    return text;
  } catch {
    return null;
  }
}

// What is typed is remembered twice: as the text of this tab, which a reload shows again, and as a draft, which every tab
// can offer. A draft begins where typing begins in a text that was opened: nothing replaces the draft before it. A browser
// may refuse to remember anything; then the text lasts as long as the page.
export class Memory {
  constructor() {
    this.text = quietly(() => sessionStorage.getItem(OPEN)) ?? null; // of this tab
    const isReload = performance.getEntriesByType("navigation")[0]?.type === "reload"; // a copy of a tab has its own draft
    this.draft = isReload ? (quietly(() => sessionStorage.getItem(DRAFT)) ?? null) : null;
  }

  // Another text is about to be opened.
  begin() {
    this.draft = null;
    quietly(() => sessionStorage.removeItem(DRAFT));
  }

  // isTyped: false for a text that was opened as it is.
  keep(text, isTyped) {
    this.text = text;
    quietly(() => sessionStorage.setItem(OPEN, text));
    if (!isTyped) return;
    this.draft ??= `${DRAFT}.${Date.now()}.${Math.random().toString(36).slice(2)}`;
    quietly(() => sessionStorage.setItem(DRAFT, this.draft));
    const others = drafts().filter((one) => one.key !== this.draft);
    for (const one of others.splice(MOST - 1)) quietly(() => localStorage.removeItem(one.key));
    const entry = JSON.stringify({ time: Date.now(), text });
    const isKept = () => quietly(() => (localStorage.setItem(this.draft, entry), true));
    while (!isKept() && others.length) quietly(() => localStorage.removeItem(others.pop().key)); // there is no more room
  }

  // The drafts of all tabs but the one that is open here, the latest first, each text once: [{ key, time, text }].
  earlier() {
    const texts = new Set([this.text]);
    return drafts().filter((one) => one.key !== this.draft && !texts.has(one.text) && texts.add(one.text));
  }
}

function drafts() {
  const keys = quietly(() => Object.keys(localStorage)) ?? [];
  const read = (key) => quietly(() => ({ key, ...JSON.parse(localStorage.getItem(key)) }));
  const all = keys.filter((key) => key.startsWith(`${DRAFT}.`)).map(read);
  return all.filter((one) => typeof one?.text === "string").sort((a, b) => b.time - a.time);
}

function quietly(action) {
  try {
    return action();
  } catch {
    return undefined;
  }
}
