/*
 * Every bound that the runtime puts on what guest bytes may ask for. A module that passes one is
 * refused with the limit's name; nothing in the runtime grows without one of these.
 */
#ifndef WASM_LIMITS_H
#define WASM_LIMITS_H

/* Modules; the first group are the limits that browsers agree on (WebAssembly JS API, section
 * "Implementation-defined Limits"), so that what runs there runs here. */
#define LIMIT_MODULE_SIZE     (1u << 30)
#define LIMIT_TYPES           1000000u
#define LIMIT_REC_GROUPS      1000000u
#define LIMIT_FUNCTIONS       1000000u
#define LIMIT_IMPORTS         1000000u
#define LIMIT_EXPORTS         1000000u
#define LIMIT_GLOBALS         1000000u
#define LIMIT_TABLES          100000u
#define LIMIT_MEMORIES        100u
#define LIMIT_ELEM_SEGMENTS   10000000u
#define LIMIT_DATA_SEGMENTS   100000u
#define LIMIT_FUNCTION_SIZE   7654321u
#define LIMIT_LOCALS          50000u
#define LIMIT_PARAMS          1000u
#define LIMIT_RESULTS         1000u
#define LIMIT_STRUCT_FIELDS   10000u
#define LIMIT_SUBTYPE_DEPTH   63u
#define LIMIT_BR_TABLE        65520u
#define LIMIT_TABLE_ELEMENTS  10000000u
#define LIMIT_ARRAY_NEW_FIXED 10000u  /* operands of array.new_fixed */
#define LIMIT_MEMORY32_PAGES  65536u  /* that a type may name */
#define LIMIT_MEMORY_PAGES    65535u  /* that a memory may have: see wasm/opt/address.c */
#define LIMIT_NAME            100000u /* bytes of an import, export or function name */

#define LIMIT_CONTROL_DEPTH   50000u       /* nested blocks in a function */
#define LIMIT_OPERAND_DEPTH   1000000u     /* operand stack of a function */
#define LIMIT_COMPILE_SCRATCH (512u << 20) /* bytes of memory to compile one function in */

/* Programs. */
#define LIMIT_STACK_SIZE   (8u << 20)  /* bytes of machine stack a guest thread may use */
#define LIMIT_FRAME_SIZE   (1u << 20)  /* bytes of one function's frame */
#define LIMIT_STACK_GUARD  (2u << 20)  /* unmapped below the stack; > LIMIT_FRAME_SIZE */
#define LIMIT_CODE_REGION  (64u << 20) /* bytes of machine code in one domain */
#define LIMIT_BACKTRACE    64u         /* frames named in a trap's backtrace */
#define LIMIT_INSTANCES    10000u
#define LIMIT_NESTED_CALLS 16u /* guest calls host calls guest, and so on */
#define LIMIT_HOST_FUNCS   4096u

#endif
