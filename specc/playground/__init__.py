"""The playground: a page in which a spec is checked, shown and drawn while it is typed.

`session` runs in the browser, under Pyodide, beside the rest of the front end; `folder` puts the page together on this
machine, with the packages that `packages` has npm install.
"""
