// The client of `specc lsp`: finds the program, starts the server, and runs commands in a terminal.

const path = require("path");
const vscode = require("vscode");
const { LanguageClient } = require("vscode-languageclient/node");
const { candidates, firstThatRuns } = require("./program");

const COMMANDS = ["specc.train", "specc.show"]; // that lenses above networks and variants may call
const INSTALL = 'pip install "specc-cnn[lsp]"';
let client;

async function activate(context) {
  const register = (name, run) => context.subscriptions.push(vscode.commands.registerCommand(name, run));
  register("specc.train", (file, variant) => run("train", file, variant));
  register("specc.show", (file, variant) => run("show", file, variant));
  register("specc.report", report);
  register("specc.chooseVariant", chooseVariant);
  register("specc.restart", restart);
  context.subscriptions.push(
    vscode.workspace.onDidChangeConfiguration((event) => event.affectsConfiguration("specc.path") && restart())
  );
  await start();
}

async function deactivate() {
  await client?.stop();
  client = undefined;
}

async function restart() {
  await deactivate();
  await start();
}

async function start() {
  const program = find();
  if (!program) {
    return offerToInstall();
  }
  const settings = vscode.workspace.getConfiguration("specc");
  const server = { command: program, args: ["lsp"], options: { cwd: folder() } };
  client = new LanguageClient("specc", "specc", server, {
    documentSelector: [{ language: "cnn" }],
    synchronize: {
      configurationSection: "specc",
      fileEvents: vscode.workspace.createFileSystemWatcher("**/*.{cnn,npz}"),
    },
    initializationOptions: { commands: COMMANDS, hints: settings.get("hints"), variant: settings.get("variant") },
  });
  try {
    await client.start();
  } catch (error) {
    client = undefined;
    const choice = await vscode.window.showErrorMessage(
      `${program} lsp did not start: ${error.message ?? error}. It needs ${INSTALL}`,
      "Install"
    );
    if (choice) install(program);
  }
}

// The first program of the settings, the workspace's environment and PATH that runs.
function find() {
  const wanted = vscode.workspace.getConfiguration("specc").get("path");
  const folders = (vscode.workspace.workspaceFolders ?? []).map((one) => one.uri.fsPath);
  return firstThatRuns(candidates(wanted, folders, process.platform));
}

async function offerToInstall() {
  const message = `specc is not installed in this workspace's environment, nor on PATH: ${INSTALL}`;
  const choice = await vscode.window.showWarningMessage(message, "Install", "Set the Path");
  if (choice === "Install") install();
  if (choice === "Set the Path") vscode.commands.executeCommand("workbench.action.openSettings", "specc.path");
}

// In a terminal, where the user sees what happens, and which Python it is.
function install(program) {
  const beside = program && path.isAbsolute(program) ? path.join(path.dirname(program), "python") : "python";
  const terminal = vscode.window.createTerminal({ name: "specc", cwd: folder() });
  terminal.show();
  terminal.sendText(`${JSON.stringify(beside)} -m ${INSTALL}`, false);
}

function folder() {
  return vscode.workspace.workspaceFolders?.[0]?.uri.fsPath;
}

// `specc COMMAND FILE` in a terminal, with the file of a lens or of the editor.
async function run(command, file, variant) {
  const document = vscode.window.activeTextEditor?.document;
  const target = file ?? document?.uri.fsPath;
  if (!target) return;
  await vscode.workspace.textDocuments.find((one) => one.uri.fsPath === target)?.save();
  const more = variant ? ["--variant", variant] : [];
  await execute(`${command} ${path.basename(target)}`, [command, target, ...more], path.dirname(target));
}

async function execute(name, args, cwd) {
  const program = find();
  if (!program) return offerToInstall();
  const execution = new vscode.ProcessExecution(program, args, { cwd });
  const task = new vscode.Task({ type: "specc" }, vscode.TaskScope.Workspace, name, "specc", execution);
  task.presentationOptions = { reveal: vscode.TaskRevealKind.Always, clear: false };
  await vscode.tasks.executeTask(task);
}

async function report() {
  const found = await vscode.workspace.findFiles("**/run.json", "**/node_modules/**", 500);
  const runs = found.map((uri) => path.dirname(uri.fsPath)).sort();
  if (!runs.length) return vscode.window.showInformationMessage("There is no run in this workspace yet.");
  const labels = runs.map((run) => ({ label: path.basename(run), description: vscode.workspace.asRelativePath(run), run }));
  const choice = await vscode.window.showQuickPick(labels, { placeHolder: "The run to report on" });
  if (choice) await execute(`report ${choice.label}`, ["report", choice.run], folder());
}

async function chooseVariant() {
  const document = vscode.window.activeTextEditor?.document;
  if (!client || document?.languageId !== "cnn") return;
  const symbols = await vscode.commands.executeCommand("vscode.executeDocumentSymbolProvider", document.uri);
  const variants = (symbols ?? []).filter((one) => one.kind === vscode.SymbolKind.EnumMember).map((one) => one.name);
  const own = "as it is written";
  const choice = await vscode.window.showQuickPick([own, ...variants], { placeHolder: "Show the shapes of" });
  if (choice) {
    const uri = client.code2ProtocolConverter.asUri(document.uri);
    await vscode.commands.executeCommand("specc.variant", uri, choice === own ? "" : choice);
  }
}

module.exports = { activate, deactivate };
