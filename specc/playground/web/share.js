// The text in the address of the page, and in the browser's memory.

const KEY = "specc.text";
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

// A browser may refuse to remember anything; then the text lasts as long as the page.
export function remember(text) {
  try {
    localStorage.setItem(KEY, text);
  } catch {}
}

export function remembered() {
  try {
    return localStorage.getItem(KEY);
  } catch {
    return null;
  }
}
