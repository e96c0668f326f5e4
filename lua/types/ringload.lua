-- SPDX-License-Identifier: GPL-3.0-or-later
---@meta
return require("k6")
