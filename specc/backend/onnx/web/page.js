// The page: the network in it, an image from a file, the clipboard or a person's hand, and what the network says.

const TOP = 5;
const at = (id) => document.getElementById(id);
const facts = JSON.parse(at("facts").textContent);
const pad = at("pad").getContext("2d", { willReadFrequently: true });
const drawable = facts.channels === 1;
let session; // set once the network is there
let Tensor;
const { outputs, per_pixel: perPixel } = facts; // outputs: "classes", "tags" or "numbers"
let shown; // the answer that is shown, which the sliders change
let last = 0; // the number of the newest question; answers to older ones are not shown
let queue = Promise.resolve();

// What one of the packed parts of this page holds.
async function unpack(id) {
  const packed = atob(at(id).textContent);
  at(id).remove();
  const bytes = new Uint8Array(packed.length);
  for (let i = 0; i < packed.length; i++) bytes[i] = packed.charCodeAt(i);
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

async function load() {
  const address = URL.createObjectURL(new Blob([await unpack("runtime")], { type: "text/javascript" }));
  const { env, InferenceSession, Tensor: made } = await import(address);
  URL.revokeObjectURL(address);
  env.wasm.numThreads = 1; // more need headers that a file from the disk cannot have
  env.wasm.proxy = false;
  env.wasm.wasmBinary = await unpack("wasm");
  session = await InferenceSession.create(await unpack("model"), { executionProviders: ["wasm"] });
  Tensor = made;
  const [height, width] = facts.size ?? [64, 64];
  await ask({ pixels: new Uint8Array(facts.channels * height * width), channels: facts.channels, width, height }); // warm
}

// What the network says of an image of the model's size, and how many milliseconds it took.
async function ask({ pixels, channels, width, height }) {
  const images = new Tensor("uint8", pixels, [1, channels, height, width]);
  const begun = performance.now();
  const given = (await session.run({ images }))[session.outputNames[0]];
  const took = performance.now() - begun;
  return { ...answersOf(given, facts), took };
}

// Ask what an image shows, which `read` gives, and show the answer.
function answer(name, read) {
  const number = ++last;
  at("answer").ariaBusy = "true";
  queue = queue.then(async () => {
    if (number !== last) return;
    try {
      const image = await read();
      const taken = facts.size ? resize(image, facts.size, facts.tie) : image;
      const found = await ask(taken);
      if (number === last) show(name, image, taken, found);
    } catch (error) {
      if (number === last) refuse(error instanceof BadImage ? `${name} ${error.message}` : `The network did not run: ${error.message}`);
    }
  });
}

function show(name, image, taken, { took, ...found }) {
  shown = found;
  if (perPixel) {
    const { width, height } = image;
    shown.mask = maskOf(found, [height, width], facts.size ? { to: facts.size, fit: "stretch" } : facts.resized);
    overlay(shown.mask, width, height);
  }
  list();
  say(`The network took ${took < 100 ? took.toFixed(1) : Math.round(took)} ms.`);
  at("answer").dataset.answered = last;
  at("answer").dataset.milliseconds = took;
  const resized = taken === image ? "" : `, resized from ${image.height} x ${image.width}`;
  paint(at("input"), taken);
  at("caption").textContent = `Given to the network: ${taken.height} x ${taken.width}${resized}`;
  at("seen").hidden = false;
  if (image.rgba) {
    paint(at("picture"), image);
    picture(true);
    at("about").textContent = name;
  }
}

// The answer as rows: the likeliest classes, the tags above the threshold, numbers, or the shares of classes of pixels.
function list() {
  const values = perPixel ? sharesOf(shown.mask, facts.classes.length) : shown.values;
  let rows = values.map((value, i) => [value, i]);
  if (!perPixel && outputs !== "numbers") rows.sort(([p, i], [q, j]) => q - p || i - j);
  if (outputs === "tags") rows = rows.filter(([p]) => p >= at("threshold").value / 100);
  else if (!perPixel && outputs === "classes") rows = rows.slice(0, TOP);
  at("classes").classList.toggle("ranked", !perPixel && outputs !== "numbers");
  at("classes").replaceChildren(...rows.map(([value, i]) => row(i, value)));
  at("none").hidden = rows.length > 0;
  at("none").textContent = `no tag of at least ${at("threshold").value}%`;
}

function row(number, value) {
  const [item, label, amount, track, bar] = ["li", "bdi", "data", "div", "span"].map((tag) => document.createElement(tag));
  label.textContent = facts.classes[number];
  amount.value = value;
  item.append(label, amount);
  if (outputs === "numbers") {
    amount.textContent = shortly(value);
    return item;
  }
  amount.textContent = `${(100 * value).toFixed(2)}%`;
  track.className = "track";
  bar.style.width = `${100 * value}%`;
  track.append(bar);
  item.append(track);
  if (perPixel && number > 0) {
    item.className = "colored";
    item.style.setProperty("--color", `rgb(${colorOf(number)})`);
  }
  return item;
}

// The colors of a mask over its image. The first class is left clear, and what the network did not see.
function overlay(mask, width, height) {
  const data = new Uint8ClampedArray(4 * mask.length);
  mask.forEach((number, i) => number > 0 && number !== UNSEEN && data.set([...colorOf(number), 255], 4 * i));
  const canvas = at("mask");
  [canvas.width, canvas.height] = [width, height];
  canvas.getContext("2d").putImageData(new ImageData(data, width, height), 0, 0);
  canvas.hidden = false;
}

function say(message, wrong = false) {
  at("state").textContent = message;
  at("state").classList.toggle("wrong", wrong);
  at("answer").ariaBusy = "false";
}

function refuse(message) {
  clear();
  say(message, true);
}

// An image on a canvas of its own size.
function paint(canvas, { pixels, channels, width, height, rgba }) {
  const data = rgba ?? new Uint8ClampedArray(4 * width * height).fill(255);
  for (let i = 0; !rgba && i < width * height; i++) {
    for (let c = 0; c < 3; c++) data[4 * i + c] = pixels[(channels === 1 ? 0 : c * width * height) + i];
  }
  [canvas.width, canvas.height] = [width, height];
  canvas.getContext("2d").putImageData(new ImageData(data, width, height), 0, 0);
}

// Whether a picture is shown, in place of what can be drawn.
function picture(shown) {
  at("picture").hidden = !shown;
  at("pad").hidden = shown || !drawable;
  at("hint").hidden = shown;
  at("frame").classList.toggle("empty", !shown && !drawable);
  at("ink").hidden = shown || !drawable;
}

// What a slider says, beside it.
function slide() {
  for (const id of ["threshold", "opacity"]) at(`${id}-value`).textContent = `${at(id).value}%`;
  at("mask").style.opacity = at("opacity").value / 100;
}

function take(file) {
  if (file && session) answer(file.name, () => decode(file, facts));
}

// Begin anew, with an empty drawing where one can be made.
function clear() {
  last++;
  pad.fillStyle = at("dark").checked ? "white" : "black";
  pad.fillRect(0, 0, pad.canvas.width, pad.canvas.height);
  picture(false);
  at("hint").className = `hint ${drawable ? (at("dark").checked ? "dark" : "light") : ""}`;
  at("about").textContent = "";
  at("file").value = "";
  at("classes").replaceChildren();
  at("mask").hidden = at("none").hidden = true;
  shown = undefined;
  at("seen").hidden = true;
  say(drawable ? "Draw, or choose an image." : "Choose an image.");
}

// Lines are a little wider than a pixel of the model's.
function drawing() {
  const side = pad.canvas.width;
  const point = (event) => {
    const { left, top, width, height } = pad.canvas.getBoundingClientRect();
    return [((event.clientX - left) * side) / width, ((event.clientY - top) * side) / height];
  };
  let down = false;
  const line = (event) => {
    for (const one of event.getCoalescedEvents?.() ?? [event]) pad.lineTo(...point(one));
    pad.stroke();
  };
  pad.canvas.addEventListener("pointerdown", (event) => {
    if (event.button) return;
    down = true;
    at("hint").hidden = true;
    pad.canvas.setPointerCapture(event.pointerId);
    pad.strokeStyle = at("dark").checked ? "black" : "white";
    pad.lineWidth = side * Math.max(0.08, 1.15 / Math.min(...(facts.size ?? [28])));
    pad.lineCap = pad.lineJoin = "round";
    pad.beginPath();
    pad.moveTo(...point(event));
    pad.lineTo(...point(event));
    pad.stroke();
  });
  pad.canvas.addEventListener("pointermove", (event) => down && line(event));
  for (const end of ["pointerup", "pointercancel"]) {
    pad.canvas.addEventListener(end, () => {
      if (!down) return;
      down = false;
      const { data } = pad.getImageData(0, 0, side, side);
      const { rgba, ...drawn } = planes({ data, width: side, height: side }, 1);
      answer("The drawing", () => drawn);
    });
  }
}

function listen() {
  at("file").addEventListener("change", (event) => take(event.target.files[0]));
  at("clear").addEventListener("click", clear);
  at("dark").addEventListener("change", clear);
  at("threshold").addEventListener("input", () => {
    slide();
    if (shown) list();
  });
  at("opacity").addEventListener("input", slide);
  addEventListener("paste", (event) => take(event.clipboardData.files[0]));
  addEventListener("dragover", (event) => {
    event.preventDefault();
    at("frame").classList.add("over");
  });
  addEventListener("dragleave", (event) => event.relatedTarget ?? at("frame").classList.remove("over"));
  addEventListener("drop", (event) => {
    event.preventDefault();
    at("frame").classList.remove("over");
    take(event.dataTransfer.files[0]);
  });
}

picture(false);
at("hint").textContent = drawable ? "Draw here, or drop an image" : "Drop an image here";
at("threshold-control").hidden = outputs !== "tags";
at("opacity-control").hidden = !perPixel;
slide();
listen();
try {
  await load();
  for (const id of ["file", "clear", "dark", "threshold", "opacity"]) at(id).disabled = false;
  drawing();
  clear();
  document.documentElement.dataset.ready = "yes";
} catch (error) {
  refuse(`The network could not be loaded: ${error.message}. It needs a browser of 2023 or later.`);
}
