/* See keys.h. */
#include "init/shell/keys.h"

static enum key control_key(unsigned char c) {
    switch (c) {
    case 0x01:
        return KEY_HOME;
    case 0x02:
        return KEY_LEFT;
    case 0x03:
        return KEY_CANCEL;
    case 0x04:
        return KEY_EOF;
    case 0x05:
        return KEY_END;
    case 0x06:
        return KEY_RIGHT;
    case 0x08:
    case 0x7f:
        return KEY_BACKSPACE;
    case '\t':
        return KEY_TAB;
    case '\r':
    case '\n':
        return KEY_ENTER;
    case 0x0b:
        return KEY_KILL_END;
    case 0x0c:
        return KEY_REDRAW;
    case 0x0e:
        return KEY_DOWN;
    case 0x10:
        return KEY_UP;
    case 0x15:
        return KEY_KILL_START;
    case 0x17:
        return KEY_KILL_WORD;
    default:
        return KEY_NONE;
    }
}

/* The last byte of a sequence ESC [ or ESC O. */
static enum key final_key(unsigned char c, unsigned number) {
    switch (c) {
    case 'A':
        return KEY_UP;
    case 'B':
        return KEY_DOWN;
    case 'C':
        return KEY_RIGHT;
    case 'D':
        return KEY_LEFT;
    case 'H':
        return KEY_HOME;
    case 'F':
        return KEY_END;
    case '~':
        return number == 1 || number == 7   ? KEY_HOME
               : number == 4 || number == 8 ? KEY_END
               : number == 3                ? KEY_DELETE
                                            : KEY_NONE;
    default:
        return KEY_NONE;
    }
}

/* ECMA-48, 5.4: parameters are 0x30 to 0x3f, intermediates 0x20 to 0x2f, and one byte more ends it. */
static enum key take_csi(struct keys *keys, unsigned char c) {
    if (c >= '0' && c <= '9' && keys->number < 100) {
        keys->number = 10 * keys->number + (c - '0');
    }
    if (c >= 0x20 && c < 0x40) {
        return KEY_NONE;
    }
    keys->state = KEYS_PLAIN;
    return final_key(c, keys->number);
}

/* A byte of text. A character that is cut short is dropped. */
static enum key take_text(struct keys *keys, unsigned char c) {
    if ((c & 0xc0) == 0x80) {
        if (keys->left == 0) {
            return KEY_NONE;
        }
        keys->left--;
    } else {
        keys->text_size = 0;
        keys->left = c >= 0xf8 ? 0 : c >= 0xf0 ? 3 : c >= 0xe0 ? 2 : c >= 0xc0 ? 1 : 0;
    }
    keys->text[keys->text_size++] = (char)c;
    return keys->left == 0 && c < 0xf8 ? KEY_TEXT : KEY_NONE;
}

enum key keys_take(struct keys *keys, char byte) {
    unsigned char c = (unsigned char)byte;
    switch (keys->state) {
    case KEYS_ESCAPE:
        keys->state = c == '[' ? KEYS_CSI : c == 'O' ? KEYS_SS3 : KEYS_PLAIN;
        keys->number = 0;
        return KEY_NONE;
    case KEYS_CSI:
        return take_csi(keys, c);
    case KEYS_SS3:
        keys->state = KEYS_PLAIN;
        return final_key(c, 0);
    default:
        break;
    }
    if (c == 0x1b) {
        keys->state = KEYS_ESCAPE;
        keys->left = 0;
        return KEY_NONE;
    }
    return c < 0x20 || c == 0x7f ? control_key(c) : take_text(keys, c);
}
