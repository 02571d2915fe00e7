/*
 * Lua's error handling without non-local jumps. Lua raises errors, and yields from coroutines, by
 * longjmp(), which a C compiler makes of WebAssembly's exceptions; k23 refuses modules that use them
 * until it has them. Lua names this place of its sources as one to configure (ldo.c), so here an error
 * ends the program as the interpreter does with one that nobody catches: message on standard error,
 * status 1. pcall() works as long as what it calls succeeds; coroutines that yield do not.
 *
 * Included by the compiler before each file of Lua; the macros are used in ldo.c alone.
 */
#ifndef DEMO_LUA_H
#define DEMO_LUA_H

#include <stdio.h>
#include <stdlib.h>

#define luai_jmpbuf       char
#define LUAI_TRY(L, c, a) a
#define LUAI_THROW(L, c)  demo_throw(L, (c)->status)

/* The error object is on top of the stack; `ttisstring` and `svalue` are macros of lobject.h. */
#define demo_throw(L, error)                                                                       \
    do {                                                                                           \
        fflush(stdout);                                                                            \
        const TValue *object_ = s2v((L)->top - 1);                                                 \
        fprintf(stderr, "lua: %s\n",                                                               \
                (error) == LUA_YIELD    ? "coroutines cannot yield without exceptions"             \
                : (error) == LUA_ERRMEM ? "not enough memory"                                      \
                : ttisstring(object_)   ? svalue(object_)                                          \
                                        : "(error object is not a string)");                         \
        exit(1);                                                                                   \
    } while (0)

#endif
