/*
 * <setjmp.h> with nothing inside: there are no non-local jumps before WebAssembly's exceptions. Lua
 * includes it and is told in demo/lua.h not to use it.
 */
#ifndef DEMO_INCLUDE_SETJMP_H
#define DEMO_INCLUDE_SETJMP_H
#endif
