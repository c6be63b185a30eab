"""A real client: Neovim without a screen opens a spec, shows its mistake, applies the fix and asks for shapes."""

import shutil
import subprocess
import sys

import pytest

SPEC = """\
network Net {
  input(3, 32x32)
  convv(16)   -> batch_norm -> relu
  flatten -> dense(10)
}
"""
SCRIPT = """\
local function log(...) io.stdout:write(table.concat({ ... }, " "), "\\n") end
local command = { "PYTHON", "-m", "specc", "lsp" }
local id = vim.lsp.start_client({ name = "specc", cmd = command, root_dir = vim.fn.getcwd() })
vim.cmd("edit net.cnn")
vim.lsp.buf_attach_client(0, id)
vim.wait(60000, function() return #vim.diagnostic.get(0) > 0 end, 20)
local problem = vim.diagnostic.get(0)[1]
log("problem", problem.code, "at", problem.lnum, problem.col)
local client = vim.lsp.get_client_by_id(id)
local function ask(method, more)
  local params = vim.tbl_extend("force", { textDocument = vim.lsp.util.make_text_document_params() }, more)
  return client.request_sync("textDocument/" .. method, params, 60000, 0).result
end
local place = { line = problem.lnum, character = problem.col }
local actions = ask("codeAction", { range = { start = place, ["end"] = place }, context = { diagnostics = {} } })
log("action", actions[1].title)
vim.lsp.util.apply_workspace_edit(actions[1].edit, client.offset_encoding)
vim.wait(60000, function() return #vim.diagnostic.get(0) == 0 end, 20)
local all = { start = { line = 0, character = 0 }, ["end"] = { line = 99, character = 0 } }
for _, hint in ipairs(ask("inlayHint", { range = all })) do log("shape", hint.position.line, hint.label) end
log("problems", #vim.diagnostic.get(0))
vim.lsp.util.apply_text_edits(ask("formatting", { options = { tabSize = 2, insertSpaces = true } }), 0, "utf-16")
log(table.concat(vim.api.nvim_buf_get_lines(0, 2, 3, false), "\\n"))
vim.cmd("qa!")
"""


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("nvim") is None, reason="Neovim is not installed here")
def test_neovim(tmp_path):
    (tmp_path / "net.cnn").write_text(SPEC)
    (tmp_path / "script.lua").write_text(SCRIPT.replace("PYTHON", sys.executable))
    command = ["nvim", "--headless", "-u", "NONE", "-c", "luafile script.lua"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert done.stdout.splitlines() == [
        "problem E201 at 2 2",
        "action Replace `convv` with `conv`",
        "shape 2 16 x 32 x 32",
        "shape 2 16 x 32 x 32",
        "shape 3 16384",
        "shape 3 10",
        "problems 0",
        "  conv(16) -> batch_norm -> relu",
    ], done.stderr
