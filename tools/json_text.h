/* SPDX-License-Identifier: Apache-2.0 */
/* Text of other programs (a command, a GPU's name) in reports: it may hold control characters and broken UTF-8. Shared by
 * the tools. */
#ifndef ZEUS_AMD_TOOLS_JSON_TEXT_H
#define ZEUS_AMD_TOOLS_JSON_TEXT_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum { UTF8_REPLACEMENT = 0xFFFD };

/* The next character of a text that is not at its end, and its length in bytes. A byte that is not UTF-8 is one
 * replacement character. */
static inline uint32_t utf8_next(const char *text, size_t *length)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    const unsigned char *s = (const unsigned char *)text;
    size_t n = s[0] < 0x80 ? 1 : s[0] >= 0xC2 && s[0] < 0xE0 ? 2 : s[0] >= 0xE0 && s[0] < 0xF0 ? 3 : s[0] >= 0xF0 && s[0] < 0xF5 ? 4 : 0;
    uint32_t c;
    *length = 1;
    if (n == 0)
        return UTF8_REPLACEMENT;
    if (n == 1)
        return s[0];
    c = s[0] & (0xFFu >> (n + 1));
    for (size_t i = 1; i < n; i++) {
        if ((s[i] & 0xC0) != 0x80)
            return UTF8_REPLACEMENT;
        c = c << 6 | (s[i] & 0x3Fu);
    }
    if (c < least[n] || c > 0x10FFFF || (c >= 0xD800 && c < 0xE000))
        return UTF8_REPLACEMENT;
    *length = n;
    return c;
}

static inline int utf8_is_control(uint32_t c)
{
    return c < 0x20 || (c >= 0x7F && c < 0xA0);
}

/* A character, or the replacement character if it cannot be shown. */
static inline void utf8_put(FILE *f, const char *text, size_t length, uint32_t c)
{
    if (c == UTF8_REPLACEMENT || utf8_is_control(c))
        fputs("\xEF\xBF\xBD", f);
    else
        fwrite(text, 1, length, f);
}

/* Text that a terminal does not take for commands, filled up with blanks to so many columns. */
static inline void utf8_print(FILE *f, const char *text, int columns)
{
    size_t n;
    for (; *text != '\0'; text += n, columns--) {
        const uint32_t c = utf8_next(text, &n);
        utf8_put(f, text, n, c);
    }
    for (; columns > 0; columns--)
        fputc(' ', f);
}

/* A JSON string with its quotes. */
static inline void json_string(FILE *f, const char *text)
{
    size_t n;
    fputc('"', f);
    for (; *text != '\0'; text += n) {
        uint32_t c = utf8_next(text, &n);
        if (c == '"' || c == '\\')
            fprintf(f, "\\%c", (int)c);
        else if (utf8_is_control(c))
            fprintf(f, "\\u%04x", (unsigned)c);
        else
            utf8_put(f, text, n, c);
    }
    fputc('"', f);
}

#endif
