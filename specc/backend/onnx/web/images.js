// Image files to the uint8 pixels that the model takes: what `specc predict` does, step by step.

// A file that cannot serve. The message completes "FILE …".
class BadImage extends Error {}

const MOST_SCANS = 100; // of a JPEG file
const KINDS = [
  ["image/png", (b) => starts(b, [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a])],
  ["image/jpeg", (b) => starts(b, [0xff, 0xd8, 0xff])],
  ["image/gif", (b) => /^GIF8[79]a/.test(text(b, 0, 6))],
  ["image/webp", (b) => text(b, 0, 4) === "RIFF" && text(b, 8, 12) === "WEBP"],
  ["image/bmp", (b) => text(b, 0, 2) === "BM"],
];
// What is often found among images: a mark within the first 16 bytes, and what it tells.
const FOREIGN = [
  ["ftypheic", "a HEIC photo"], ["ftypheix", "a HEIC photo"], ["ftypmif1", "a HEIF photo"],
  ["ftypavif", "an AVIF image"], ["jP  \r\n", "a JPEG 2000 image"], ["8BPS", "a Photoshop document"],
  ["%PDF", "a PDF document"], ["%!PS", "a PostScript document"], ["<svg", "an SVG drawing"],
  ["II*\0", "a TIFF image"], ["MM\0*", "a TIFF image"], ["P4", "a PBM image"], ["P5", "a PGM image"], ["P6", "a PPM image"],
];

const starts = (bytes, mark) => mark.every((byte, i) => bytes[i] === byte);
const text = (bytes, from, to) => String.fromCharCode(...bytes.subarray(from, to));

// The pixels of an image file, upright: uint8, channels x height x width, with `rgba` to be shown.
async function decode(file, { channels, range, limits }) {
  if (!file.size) throw new BadImage("is empty");
  const many = (number) => number.toLocaleString("en");
  if (file.size > limits.bytes) {
    throw new BadImage(`has ${many(file.size)} bytes, too many for an image: at most ${many(limits.bytes)} are read`);
  }
  const refuseHuge = (width, height) => {
    const size = `${many(height)} x ${many(width)}`;
    if (width * height > limits.pixels) {
      throw new BadImage(`has more than ${many(limits.pixels)} pixels, the limit: ${size}`);
    }
    if (Math.max(width, height) > limits.side) {
      throw new BadImage(`has a side of more than ${many(limits.side)} pixels, the limit: ${size}`);
    }
  };
  const bytes = new Uint8Array(await file.arrayBuffer());
  const kind = KINDS.find(([, fits]) => fits(bytes))?.[0];
  if (!kind) throw new BadImage(`is not a readable image: ${begins(bytes)}`);
  const image = kind === "image/png" ? await decodePng(bytes, refuseHuge, range) : await decodeOther(bytes, kind, refuseHuge);
  return planes(image, channels);
}

function begins(bytes) {
  const head = text(bytes, 0, 16);
  const known = FOREIGN.find(([mark]) => head.includes(mark));
  if (known) return `it is ${known[1]}; convert it to PNG or JPEG`;
  return `it begins with ${Array.from(bytes.subarray(0, 8), (b) => b.toString(16).padStart(2, "0")).join(" ")}`;
}

// A JPEG, GIF, WebP or BMP file by the browser's own decoder, on white where it is transparent.
async function decodeOther(bytes, kind, refuseHuge) {
  if (!whole(bytes, kind)) throw new BadImage("is damaged: it is cut short");
  const orientation = kind === "image/webp" ? straighten(bytes) : 1; // few browsers turn a WebP image
  const options = { imageOrientation: "from-image", colorSpaceConversion: "none", premultiplyAlpha: "none" };
  const bitmap = await createImageBitmap(new Blob([bytes], { type: kind }), options).catch(() => null);
  if (!bitmap) throw new BadImage("is damaged");
  const { width, height } = bitmap;
  refuseHuge(width, height);
  const context = new OffscreenCanvas(width, height).getContext("2d", { willReadFrequently: true });
  context.fillStyle = "white";
  context.fillRect(0, 0, width, height);
  context.drawImage(bitmap, 0, 0);
  bitmap.close();
  return turned({ data: context.getImageData(0, 0, width, height).data, width, height }, orientation);
}

// The orientation of a WebP image; its EXIF data then say that it is upright, so that no browser turns it, too.
function straighten(bytes) {
  const view = new DataView(bytes.buffer);
  for (let at = 12; at + 8 <= bytes.length; at += 8 + view.getUint32(at + 4, true) + (view.getUint32(at + 4, true) & 1)) {
    if (text(bytes, at, at + 4) !== "EXIF") continue;
    const exif = bytes.subarray(at + 8, at + 8 + view.getUint32(at + 4, true));
    const found = orientation(text(exif, 0, 6) === "Exif\0\0" ? exif.subarray(6) : exif);
    bytes.set([0, 0, 0, 0], at); // a chunk of an unknown name is skipped
    return found;
  }
  return 1;
}

// Whether a file has its end: browsers show what there is of one that was cut short.
function whole(bytes, kind) {
  const view = new DataView(bytes.buffer);
  if (kind === "image/jpeg") return wholeJpeg(view);
  if (kind === "image/webp") return bytes.length >= 12 && view.getUint32(4, true) + 8 <= bytes.length;
  return true;
}

function wholeJpeg(view) {
  let scans = 0;
  for (let at = 2; at + 2 <= view.byteLength; ) {
    const marker = view.getUint16(at);
    if (marker === 0xffd9) return scans > 0;
    if (marker < 0xffc0 || marker === 0xffff || (marker >= 0xffd0 && marker <= 0xffd7)) at += 1; // coded pixels, padding
    else if (at + 4 > view.byteLength) return false;
    else at += 2 + view.getUint16(at + 2);
    if (marker === 0xffda && ++scans > MOST_SCANS) {
      throw new BadImage(`has more than ${MOST_SCANS} scans, the limit`);
    }
  }
  return false;
}

// RGBA pixels laid on white, as planes. One channel is the luma of ITU-R 601. The rounding is Pillow's.
function planes({ data, width, height }, channels) {
  const count = width * height;
  const pixels = new Uint8Array(channels * count);
  const rgba = new Uint8ClampedArray(4 * count).fill(255);
  for (let i = 0; i < count; i++) {
    const alpha = data[4 * i + 3];
    for (let c = 0; c < 3; c++) {
      const sum = data[4 * i + c] * alpha + 255 * (255 - alpha) + 128;
      const level = alpha === 255 ? data[4 * i + c] : ((sum >> 8) + sum) >> 8;
      rgba[4 * i + c] = level;
      if (channels === 3) pixels[c * count + i] = level;
    }
    if (channels === 1) {
      pixels[i] = (rgba[4 * i] * 19595 + rgba[4 * i + 1] * 38470 + rgba[4 * i + 2] * 7471 + 0x8000) >> 16;
    }
  }
  return { pixels, channels, width, height, rgba };
}

// Antialiased linear interpolation along one axis: for each new pixel the first old one that counts, and weights.
function taps(old, now) {
  const scale = old / now;
  const reach = Math.max(scale, 1);
  return Array.from({ length: now }, (_, i) => {
    const center = (i + 0.5) * scale;
    const all = [];
    let first = -1;
    for (let j = Math.max(0, Math.floor(center - reach - 1)); j < Math.min(old, center + reach + 1); j++) {
      const weight = Math.max(1 - Math.abs(j + 0.5 - center) / reach, 0);
      if (weight > 0 && first < 0) first = j;
      if (first >= 0) all.push(weight);
    }
    const total = all.reduce((sum, weight) => sum + weight, 0);
    return { first, weights: all.map((weight) => Math.fround(weight / total)) };
  });
}

// An image brought to a height and a width, rounded to the nearest level, ties up; float32 sums, rows first.
function resize(image, [height, width], tie) {
  if (image.height === height && image.width === width) return image;
  const { channels } = image;
  const rows = taps(image.height, height);
  const columns = taps(image.width, width);
  const half = new Float32Array(height * image.width);
  const pixels = new Uint8Array(channels * height * width);
  const up = Math.fround(0.5 + tie);
  for (let c = 0; c < channels; c++) {
    const from = image.pixels.subarray(c * image.height * image.width, (c + 1) * image.height * image.width);
    half.fill(0);
    rows.forEach(({ first, weights }, y) => weights.forEach((weight, tap) => {
      for (let x = 0; x < image.width; x++) {
        half[y * image.width + x] += Math.fround(weight * from[(first + tap) * image.width + x]);
      }
    }));
    for (let y = 0; y < height; y++) {
      columns.forEach(({ first, weights }, x) => {
        let sum = 0;
        weights.forEach((weight, tap) => {
          sum = Math.fround(sum + Math.fround(weight * half[y * image.width + first + tap]));
        });
        pixels[(c * height + y) * width + x] = Math.min(255, Math.max(0, Math.floor(Math.fround(sum + up))));
      });
    }
  }
  return { pixels, channels, width, height };
}
