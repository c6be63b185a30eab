// Asks the checker, which runs in a worker: the page stays alive whatever it does. One that takes too long is ended, and
// a new one takes its place.

const PATIENCE = 15_000; // milliseconds, without an answer to anything

export class Failure extends Error {}

export class Checker {
  // told: called with "ready", and with "broken" and why where it cannot be loaded
  constructor(told, patience = PATIENCE) {
    this.told = told;
    this.patience = patience;
    this.number = 0;
    this.waiting = new Map();
    this.#start();
  }

  ask(name, ...values) {
    if (this.broken) return Promise.reject(new Failure(this.broken));
    const id = ++this.number;
    const request = JSON.stringify([name, ...values.map((one) => one.toWellFormed?.() ?? one)]);
    return new Promise((resolve, reject) => {
      this.waiting.set(id, { resolve, reject });
      this.worker.postMessage({ id, request });
      if (this.isReady && this.waiting.size === 1) this.#watch();
    });
  }

  #start() {
    this.isReady = false;
    this.broken = ""; // why it cannot be loaded
    const worker = new Worker(new URL("./worker.js", import.meta.url), { type: "module" });
    worker.onmessage = ({ data }) => this.#hear(data);
    worker.onerror = (event) => {
      event.preventDefault();
      this.#broken(event.message || "its files cannot be loaded");
    };
    this.worker = worker;
  }

  #hear({ id, ready, broken, ended, failure, answer }) {
    if (broken !== undefined) return this.#broken(broken);
    if (ended) return this.#restart("This text was too much for the checker, which has been started again.");
    if (ready) {
      this.isReady = true;
      this.told("ready");
    }
    const one = this.waiting.get(id);
    this.waiting.delete(id);
    this.#watch();
    if (failure !== undefined) one?.reject(new Failure(failure));
    else one?.resolve(answer);
  }

  #watch() {
    clearTimeout(this.timer);
    if (!this.waiting.size) return;
    const words = `The check took longer than ${this.patience / 1000} seconds and was ended. It begins again when the text changes.`;
    this.timer = setTimeout(() => this.#restart(words), this.patience);
  }

  #restart(words) {
    clearTimeout(this.timer);
    this.worker.terminate();
    this.#fail(words);
    this.#start();
  }

  #broken(words) {
    clearTimeout(this.timer);
    this.isReady = false;
    this.broken = `The checker cannot be loaded: ${words}. Reload the page to try again.`;
    this.#fail(this.broken);
    this.told("broken", this.broken);
  }

  #fail(words) {
    const waiting = [...this.waiting.values()];
    this.waiting.clear();
    for (const one of waiting) one.reject(new Failure(words));
  }
}
