// A PNG file to its pixels, exactly: browsers round where an image is partly transparent or has 16 bits a channel.
// The format: W3C, Portable Network Graphics (PNG) Specification.

const SAMPLES = { 0: 1, 2: 3, 3: 1, 4: 2, 6: 4 }; // of a pixel, by color type
const DEPTHS = { 0: [1, 2, 4, 8, 16], 2: [8, 16], 3: [1, 2, 4, 8], 4: [8, 16], 6: [8, 16] };
const PASSES = [[0, 0, 8, 8], [4, 0, 8, 8], [0, 4, 4, 8], [2, 0, 4, 4], [0, 2, 2, 4], [1, 0, 2, 2], [0, 1, 1, 2]];
const MOST_EXIF = 65536; // bytes

const CRC = Uint32Array.from({ length: 256 }, (_, byte) => {
  for (let bit = 0; bit < 8; bit++) byte = byte & 1 ? 0xedb88320 ^ (byte >>> 1) : byte >>> 1;
  return byte;
});

function crc(bytes) {
  let sum = 0xffffffff;
  for (const byte of bytes) sum = CRC[(sum ^ byte) & 255] ^ (sum >>> 8);
  return (sum ^ 0xffffffff) >>> 0;
}

// The chunks by name; those with pixels together. What comes after the pixels may be damaged.
function chunksOf(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const found = { IDAT: [] };
  for (let at = 8; at + 12 <= bytes.length; ) {
    const length = view.getUint32(at);
    const name = String.fromCharCode(...bytes.subarray(at + 4, at + 8));
    const end = at + 8 + length;
    if (end + 4 > bytes.length || view.getUint32(end) !== crc(bytes.subarray(at + 4, end))) {
      if (found.IDAT.length && name !== "IDAT") break;
      throw new BadImage("is damaged: it is cut short, or a checksum is wrong");
    }
    const content = bytes.subarray(at + 8, end);
    if (name === "IDAT") found.IDAT.push(content);
    else if (name === "IEND") break;
    else found[name] ??= content;
    at = end + 4;
  }
  return found;
}

// `length` bytes of what a zlib stream holds.
async function inflate(parts, length) {
  const reader = new Blob(parts).stream().pipeThrough(new DecompressionStream("deflate")).getReader();
  const whole = new Uint8Array(length);
  for (let at = 0; at < length; ) {
    const { done, value } = await reader.read().catch(() => ({ done: true }));
    if (done) throw new BadImage("is damaged: its pixels are cut short");
    whole.set(value.subarray(0, length - at), at);
    at += value.length;
  }
  reader.cancel().catch(() => {});
  return whole;
}

function paeth(left, up, corner) {
  const [a, b, c] = [Math.abs(up - corner), Math.abs(left - corner), Math.abs(left + up - 2 * corner)];
  return a <= b && a <= c ? left : b <= c ? up : corner;
}

// Undo the filter of each row, in place. step: bytes of a pixel. Each row begins with the number of its filter.
function unfilter(rows, width, height, step) {
  for (let y = 0, at = 0; y < height; y++, at += width + 1) {
    const filter = rows[at];
    if (filter > 4) throw new BadImage("is damaged: a row has an unknown filter");
    for (let x = at + 1; filter && x <= at + width; x++) {
      const inside = x - step > at;
      const left = inside ? rows[x - step] : 0;
      const up = y ? rows[x - width - 1] : 0;
      const corner = y && inside ? rows[x - width - 1 - step] : 0;
      rows[x] += [0, left, up, (left + up) >> 1, filter === 4 ? paeth(left, up, corner) : 0][filter];
    }
  }
}

// The samples of an image, height x width x count: 16-bit ones as they are, others as numbers of `depth` bits.
async function samplesOf(parts, { width, height, depth, count, interlaced }) {
  const passes = (interlaced ? PASSES : [[0, 0, 1, 1]])
    .map(([x, y, dx, dy]) => ({ x, y, dx, dy, w: Math.ceil((width - x) / dx), h: Math.ceil((height - y) / dy) }))
    .filter(({ w, h }) => w > 0 && h > 0)
    .map((pass) => ({ ...pass, bytes: Math.ceil((pass.w * count * depth) / 8) }));
  const raw = await inflate(parts, passes.reduce((sum, { h, bytes }) => sum + h * (bytes + 1), 0));
  const samples = new Uint16Array(width * height * count);
  let start = 0;
  for (const { x, y, dx, dy, w, h, bytes } of passes) {
    const rows = raw.subarray(start, (start += h * (bytes + 1)));
    unfilter(rows, bytes, h, Math.max(1, (count * depth) >> 3));
    for (let row = 0; row < h; row++) {
      const line = row * (bytes + 1) + 1;
      for (let i = 0; i < w * count; i++) {
        const to = ((y + row * dy) * width + x + Math.floor(i / count) * dx) * count + (i % count);
        const bit = i * depth;
        samples[to] =
          depth === 16 ? (rows[line + 2 * i] << 8) | rows[line + 2 * i + 1]
          : (rows[line + (bit >> 3)] >> (8 - depth - (bit & 7))) & ((1 << depth) - 1);
      }
    }
  }
  return samples;
}

// The pixels of a PNG file: RGBA, height x width x 4, as they are stored. range: the values of 16-bit grays that become
// 0 and 255; null: all there are.
async function decodePng(bytes, refuseHuge, range) {
  const chunks = chunksOf(bytes);
  if (chunks.IHDR?.length !== 13) throw new BadImage("is damaged: it has no header");
  const header = new DataView(chunks.IHDR.buffer, chunks.IHDR.byteOffset, 13);
  const [width, height, depth, type] = [header.getUint32(0), header.getUint32(4), header.getUint8(8), header.getUint8(9)];
  if (!width || !height || !DEPTHS[type]?.includes(depth)) throw new BadImage("is damaged: its header is wrong");
  if (type === 3 && !chunks.PLTE) throw new BadImage("is damaged: it has no palette");
  refuseHuge(width, height);
  const exif = chunks.eXIf;
  if (exif?.length > MOST_EXIF) {
    throw new BadImage(`has ${exif.length.toLocaleString("en")} bytes of EXIF data, more than allowed`);
  }
  const count = SAMPLES[type];
  const samples = await samplesOf(chunks.IDAT, { width, height, depth, count, interlaced: header.getUint8(12) === 1 });
  if (range && depth === 16 && type !== 0) {
    throw new BadImage("has 16-bit colors, of which only the upper 8 bits are read: `range` is for gray images");
  }
  const data = new Uint8Array(width * height * 4);
  const clear = chunks.tRNS;
  const key = type !== 3 && depth <= 8 && clear && Array.from({ length: count }, (_, i) => clear[2 * i + 1]);
  // 16-bit grays are scaled, 16-bit colors lose their low byte, shallow grays are spread over 0 to 255.
  const [low, high] = range ?? [0, 65535];
  const gray16 = (v) => nearest(((Math.min(Math.max(v, low), high) - low) * 255) / (high - low));
  const level = (v) => (depth < 8 ? (v * 255) / ((1 << depth) - 1) : depth === 8 ? v : type === 0 ? gray16(v) : v >> 8);
  for (let i = 0; i < width * height; i++) {
    const own = samples.subarray(i * count, (i + 1) * count);
    let rgba;
    if (type === 3) rgba = [0, 1, 2].map((c) => chunks.PLTE[3 * own[0] + c] ?? 0).concat(clear?.[own[0]] ?? 255);
    else {
      const gray = type === 0 || type === 4;
      const alpha = type >= 4 ? level(own[count - 1]) : key && key.every((v, c) => v === own[c]) ? 0 : 255;
      rgba = [level(own[0]), level(own[gray ? 0 : 1]), level(own[gray ? 0 : 2]), alpha];
    }
    data.set(rgba, 4 * i);
  }
  return turned({ data, width, height }, exif ? orientation(exif) : 1);
}

// Rounded to the nearest whole number, ties to the even one.
function nearest(value) {
  const low = Math.floor(value);
  return value - low === 0.5 ? low + (low & 1) : Math.round(value);
}

// The orientation, 1 to 8, that EXIF data tell.
function orientation(exif) {
  const view = new DataView(exif.buffer, exif.byteOffset, exif.byteLength);
  try {
    const little = view.getUint16(0) === 0x4949;
    const at = view.getUint32(4, little);
    for (let entry = at + 2; entry < at + 2 + 12 * view.getUint16(at, little); entry += 12) {
      if (view.getUint16(entry, little) === 0x0112) {
        const found = view.getUint16(entry + 8, little);
        return found >= 1 && found <= 8 ? found : 1;
      }
    }
  } catch (error) {
    if (!(error instanceof RangeError)) throw error; // it breaks off
  }
  return 1;
}

// An image turned upright: from an orientation of EXIF.
function turned({ data, width, height }, orientation) {
  if (orientation === 1) return { data, width, height };
  const across = orientation > 4;
  const [w, h] = across ? [height, width] : [width, height];
  const from = new Uint32Array(data.buffer, data.byteOffset, width * height);
  const to = new Uint32Array(width * height);
  const [mirrored, flipped] = [[2, 3, 7, 8].includes(orientation), [3, 4, 6, 7].includes(orientation)];
  for (let y = 0; y < h; y++) {
    for (let x = 0; x < w; x++) {
      const [u, v] = across ? [y, x] : [x, y]; // along the stored image's width and height
      to[y * w + x] = from[(flipped ? height - 1 - v : v) * width + (mirrored ? width - 1 - u : u)];
    }
  }
  return { data: new Uint8Array(to.buffer), width: w, height: h };
}
