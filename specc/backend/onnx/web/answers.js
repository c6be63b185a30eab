// From what the graph gives to what is shown, as `specc predict` does it: probabilities, numbers, or a mask.

const UNSEEN = 255; // in a mask: what was cropped away

// What a network says of an image: `values`, one for each class, tag or number; or `map`, the class of each pixel that
// the network saw, with its height and width.
function answersOf({ data, dims }, { shape, output, activation, per_pixel: perPixel }) {
  if (String(dims) !== String([1, ...shape])) throw new Error(`it gives ${dims.join(" x ")} numbers`);
  if (output !== "classes" && !data.every(Number.isFinite)) throw new Error("its output is not finite");
  if (perPixel) {
    const [height, width] = shape.slice(-2);
    return { map: output === "classes" ? data : largest(data, shape[0], height * width), height, width };
  }
  const given = Array.from(data);
  return { values: output === "logits" ? probabilitiesOf(given, activation) : given };
}

function probabilitiesOf(logits, activation) {
  if (activation === "sigmoid") return logits.map((v) => 1 / (1 + Math.exp(-v)));
  const most = logits.reduce((a, b) => Math.max(a, b), -Infinity);
  const powers = logits.map((v) => Math.exp(v - most));
  const total = powers.reduce((a, b) => a + b, 0);
  return powers.map((v) => v / total);
}

// Of each pixel the first of the classes with the largest number.
function largest(data, classes, pixels) {
  const map = new Uint8Array(pixels);
  for (let i = 0; i < pixels; i++) {
    for (let c = 1; c < classes; c++) if (data[c * pixels + i] > data[map[i] * pixels + i]) map[i] = c;
  }
  return map;
}

// Half of what stands over, rounded to even; below 0 where that is missing.
function center(whole, part) {
  const half = (whole - part) / 2;
  const low = Math.floor(half);
  return half === low ? low : low + Math.abs(low % 2);
}

// The height and width that an image is scaled to before it is cropped or filled.
function scaledTo([height, width], [toHeight, toWidth], fit) {
  if (fit === "stretch") return [toHeight, toWidth];
  const own = [Math.floor((toWidth * height) / width), Math.floor((toHeight * width) / height)];
  if (fit === "cover") return [Math.max(toHeight, own[0]), Math.max(toWidth, own[1])];
  return [Math.max(1, Math.min(toHeight, own[0])), Math.max(1, Math.min(toWidth, own[1]))];
}

// A map at the size of its image: each pixel takes the class under its center, or UNSEEN.
function maskOf({ map, height, width }, size, { to, fit }) {
  const scaled = scaledTo(size, to, fit);
  const [rows, columns] = [height, width].map((seen, axis) => {
    const before = center(scaled[axis], to[axis]) + center(to[axis], seen);
    const place = (i) => Math.floor(((2 * i + 1) * scaled[axis]) / (2 * size[axis])) - before;
    return Int32Array.from({ length: size[axis] }, (_, i) => (place(i) >= 0 && place(i) < seen ? place(i) : -1));
  });
  const mask = new Uint8Array(size[0] * size[1]).fill(UNSEEN);
  rows.forEach((row, y) => row >= 0 && columns.forEach((column, x) => {
    if (column >= 0) mask[y * size[1] + x] = map[row * width + column];
  }));
  return mask;
}

// Of each class its share of the pixels that the network saw.
function sharesOf(mask, classes) {
  const counts = new Array(256).fill(0);
  for (const one of mask) counts[one]++;
  const seen = mask.length - (classes > UNSEEN ? 0 : counts[UNSEEN]);
  return counts.slice(0, classes).map((count) => count / seen);
}

// The color of a class: the PASCAL VOC color map, as in the files that `specc predict --out` writes.
function colorOf(number) {
  const color = [0, 0, 0];
  for (let step = 0; step < 8; step++) {
    for (let channel = 0; channel < 3; channel++) color[channel] |= ((number >> (3 * step + channel)) & 1) << (7 - step);
  }
  return color;
}

// Numbers as `specc predict` prints them, to six digits.
const shortly = (number) => String(Number(number.toPrecision(6)));
