/* Text that others wrote (a command, a GPU's name) may hold anything but NUL: control characters, broken UTF-8. */
#include "run.h"

#include <stdlib.h>
#include <string.h>

enum { REPLACEMENT = 0xFFFD };

/* The next character, and how many bytes it takes. What is not UTF-8 is one replacement character a byte. */
static uint32_t next(const unsigned char *s, size_t *length)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    size_t n = s[0] < 0x80 ? 1 : s[0] >= 0xC2 && s[0] < 0xE0 ? 2 : s[0] >= 0xE0 && s[0] < 0xF0 ? 3 : s[0] >= 0xF0 && s[0] < 0xF5 ? 4 : 0;
    uint32_t c;
    *length = 1;
    if (n == 0)
        return REPLACEMENT;
    if (n == 1)
        return s[0];
    c = s[0] & (0xFFu >> (n + 1));
    for (size_t i = 1; i < n; i++) {
        if ((s[i] & 0xC0) != 0x80)
            return REPLACEMENT;
        c = c << 6 | (s[i] & 0x3Fu);
    }
    if (c < least[n] || c > 0x10FFFF || (c >= 0xD800 && c < 0xE000))
        return REPLACEMENT;
    *length = n;
    return c;
}

static int is_control(uint32_t c)
{
    return c < 0x20 || (c >= 0x7F && c < 0xA0);
}

static void put(FILE *f, const unsigned char *s, size_t length, uint32_t c)
{
    if (c == REPLACEMENT || is_control(c))
        fputs("\xEF\xBF\xBD", f);
    else
        fwrite(s, 1, length, f);
}

void put_plain(FILE *f, const char *text)
{
    size_t n;
    for (const unsigned char *s = (const unsigned char *)text; *s != 0; s += n) {
        uint32_t c = next(s, &n);
        put(f, s, n, c);
    }
}

void put_json(FILE *f, const char *text)
{
    size_t n;
    fputc('"', f);
    for (const unsigned char *s = (const unsigned char *)text; *s != 0; s += n) {
        uint32_t c = next(s, &n);
        if (c == '"' || c == '\\')
            fprintf(f, "\\%c", (int)c);
        else if (is_control(c))
            fprintf(f, "\\u%04x", (unsigned)c);
        else
            put(f, s, n, c);
    }
    fputc('"', f);
}

void put_xml(FILE *f, const char *text, size_t most)
{
    size_t n, done = 0;
    for (const unsigned char *s = (const unsigned char *)text; *s != 0; s += n) {
        uint32_t c = next(s, &n);
        if (most > 0 && ++done == most && s[n] != 0) {
            fputs("\xE2\x80\xA6", f); /* an ellipsis */
            return;
        }
        switch (c) {
        case '&': fputs("&amp;", f); break;
        case '<': fputs("&lt;", f); break;
        case '>': fputs("&gt;", f); break;
        case '"': fputs("&quot;", f); break;
        case '\n': case '\t': fputc(' ', f); break;
        case 0xFFFE: case 0xFFFF: fputs("\xEF\xBF\xBD", f); break; /* XML has no such characters */
        default: put(f, s, n, c);
        }
    }
}

/* Anything but these has to be quoted in a shell. */
static int is_plain_word(const char *word)
{
    return *word != 0 && word[strspn(word, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-+=./,:@%^")] == 0;
}

char *join_command(char **command)
{
    size_t room = 1;
    char *text, *to;
    for (char **w = command; *w != NULL; w++)
        room += 4 * strlen(*w) + 3; /* each ' becomes '\'' */
    to = text = malloc(room);
    if (text == NULL)
        return NULL;
    for (char **w = command; *w != NULL; w++) {
        int plain = is_plain_word(*w);
        if (w != command)
            *to++ = ' ';
        if (!plain)
            *to++ = '\'';
        for (const char *s = *w; *s != 0; s++) {
            if (*s == '\'') {
                memcpy(to, "'\\''", 4);
                to += 4;
            } else {
                *to++ = *s;
            }
        }
        if (!plain)
            *to++ = '\'';
    }
    *to = 0;
    return text;
}
