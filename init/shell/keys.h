/*
 * From the bytes of a terminal to keys: control characters, the escape sequences of cursor and editing keys
 * (those of xterm, the VT220 and the Linux console), and the bytes of text.
 */
#ifndef INIT_SHELL_KEYS_H
#define INIT_SHELL_KEYS_H

#include <stddef.h>

enum key {
    KEY_NONE, /* nothing yet, or a sequence that means nothing */
    KEY_TEXT, /* bytes of a whole character: keys.text */
    KEY_ENTER,
    KEY_TAB,
    KEY_LEFT,
    KEY_RIGHT,
    KEY_UP,
    KEY_DOWN,
    KEY_HOME,
    KEY_END,
    KEY_BACKSPACE,
    KEY_DELETE,
    KEY_KILL_END,   /* ^K */
    KEY_KILL_START, /* ^U */
    KEY_KILL_WORD,  /* ^W */
    KEY_REDRAW,     /* ^L */
    KEY_CANCEL,     /* ^C */
    KEY_EOF,        /* ^D */
};

struct keys {
    enum { KEYS_PLAIN, KEYS_ESCAPE, KEYS_CSI, KEYS_SS3 } state;
    unsigned number; /* the first one of a CSI sequence */
    size_t left;     /* bytes that the character still wants */
    char text[4];    /* of KEY_TEXT */
    size_t text_size;
};

/* Takes the next byte. All zero is the start. */
enum key keys_take(struct keys *keys, char byte);

#endif
