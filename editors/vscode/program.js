// Where the program `specc` may be, the most likely place first.

const fs = require("fs");
const path = require("path");
const { spawnSync } = require("child_process");

const ENVIRONMENTS = [".venv", "venv", "env"];

// wanted: the setting `specc.path`; where it is given, nothing else is tried. folders: of the workspace.
function candidates(wanted, folders, platform) {
  if (wanted) return [wanted];
  const [below, name] = platform === "win32" ? ["Scripts", "specc.exe"] : ["bin", "specc"];
  const own = folders.flatMap((folder) => ENVIRONMENTS.map((environment) => path.join(folder, environment, below, name)));
  const active = process.env.VIRTUAL_ENV ? [path.join(process.env.VIRTUAL_ENV, below, name)] : [];
  return [...own, ...active, "specc"];
}

// The first of programs that is there and runs; undefined where none does.
function firstThatRuns(programs) {
  return programs.find((program) => {
    if (path.isAbsolute(program) && !fs.existsSync(program)) return false;
    return spawnSync(program, ["--version"], { timeout: 20000 }).status === 0;
  });
}

module.exports = { candidates, firstThatRuns };
