// Python, and in it the checker: requests come in as JSON and are answered one after the other.

import { loadPyodide } from "./pyodide/pyodide.mjs";

const FOLDER = "/specc";
const quiet = () => {};

async function start() {
  const [python, archive] = await Promise.all([
    loadPyodide({
      indexURL: new URL("./pyodide/", import.meta.url).href,
      env: { HOME: FOLDER, XDG_CACHE_HOME: `${FOLDER}/cache` },
      stdout: quiet,
      stderr: quiet,
    }),
    fetch(new URL("./specc.zip", import.meta.url)).then((answer) => {
      if (!answer.ok) throw new Error(`specc.zip: ${answer.status} ${answer.statusText}`);
      return answer.arrayBuffer();
    }),
  ]);
  python.unpackArchive(archive, "zip", { extractDir: FOLDER });
  python.pyimport("sys").path.insert(0, FOLDER);
  const answer = python.pyimport("specc.playground.session").answering();
  const gc = python.pyimport("gc");
  gc.freeze(); // what is loaded stays: no collection needs to look at it
  gc.set_threshold(20_000, 20, 50);
  return answer;
}

const started = start();
started.then(
  () => postMessage({ ready: true }),
  (error) => postMessage({ broken: String(error?.message ?? error).split("\n")[0] }),
);

onmessage = async ({ data: { id, request } }) => {
  const answer = await started;
  try {
    postMessage({ id, ...JSON.parse(answer(request)) });
  } catch {
    postMessage({ id, ended: true }); // Python itself is at its end, for want of memory or of stack
  }
};
