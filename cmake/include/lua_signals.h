/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * For the Lua of the tsan preset. Thread sanitizer holds signals back until the thread calls a
 * function that it intercepts, and a loop in Lua may call none: nothing could stop it. So the
 * virtual machine calls one now and then, where it looks whether it is to stop.
 */
#ifndef RL_LUA_SIGNALS_H
#define RL_LUA_SIGNALS_H

#include <time.h>

static inline int rl_lua_signals(int is_stopping)
{
    static __thread unsigned count;

    if (++count % 1024 == 0)
        (void)time(NULL);
    return is_stopping;
}

#define luai_likely(x) (__builtin_expect(((x) != 0), 1))
#define luai_unlikely(x) (rl_lua_signals((x) != 0))

#endif
