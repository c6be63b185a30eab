// Prints, as JSON, what the engine of Visual Studio Code makes of files: for each line, its tokens [start, end, scope].
//
//   node test/scopes.js FILE...

const fs = require("fs");
const path = require("path");
const oniguruma = require("vscode-oniguruma");
const { INITIAL, Registry, parseRawGrammar } = require("vscode-textmate");

const GRAMMAR = path.join(__dirname, "..", "syntaxes", "cnn.tmLanguage.json");
const WASM = path.join(path.dirname(require.resolve("vscode-oniguruma/package.json")), "release", "onig.wasm");

async function main(files) {
  await oniguruma.loadWASM(fs.readFileSync(WASM).buffer);
  const onigLib = Promise.resolve({
    createOnigScanner: (patterns) => new oniguruma.OnigScanner(patterns),
    createOnigString: (text) => new oniguruma.OnigString(text),
  });
  const loadGrammar = async () => parseRawGrammar(fs.readFileSync(GRAMMAR, "utf8"), GRAMMAR);
  const grammar = await new Registry({ onigLib, loadGrammar }).loadGrammar("source.cnn");
  console.log(JSON.stringify(files.map((file) => lines(grammar, fs.readFileSync(file, "utf8")))));
}

function lines(grammar, text) {
  let stack = INITIAL;
  return text.split("\n").map((line) => {
    const result = grammar.tokenizeLine(line, stack);
    stack = result.ruleStack;
    return result.tokens.map((token) => [token.startIndex, token.endIndex, token.scopes.slice(1).join(" ")]);
  });
}

main(process.argv.slice(2));
