-- SPDX-License-Identifier: GPL-3.0-or-later
---@meta
--- # console
---
---Lines for the log, which goes to stderr (`--log-output`), with the field `source=console`. A global. Read-only.
---Arguments are separated by a space; tables are written out, also those inside others, unless they have `__tostring`.

---@class ringload.console
console = {}

---Log at level info.
---
---Raises nothing of its own: an error in a `__tostring` metamethod passes.
---@param ... any
function console.log(...) end

---Log at level info.
---
---Raises what `console.log` does.
---@param ... any
function console.info(...) end

---Log at level debug, which is shown with `--verbose` only.
---
---Raises what `console.log` does.
---@param ... any
function console.debug(...) end

---Log at level warning.
---
---Raises what `console.log` does.
---@param ... any
function console.warn(...) end

---Log at level error. It changes neither the iteration nor the exit code.
---
---Raises what `console.log` does.
---@param ... any
function console.error(...) end
