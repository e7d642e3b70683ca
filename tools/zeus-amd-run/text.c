/* Text of other programs, printed safely. */
#include "run.h"

#include "../json_text.h"

#include <stdlib.h>
#include <string.h>

void put_plain(FILE *f, const char *text, int columns)
{
    utf8_print(f, text, columns);
}

void put_lines(FILE *f, const char *text, const char *before)
{
    while (text != NULL && *text != 0) {
        size_t length = strcspn(text, "\n");
        char line[1200];
        snprintf(line, sizeof line, "%.*s", (int)length, text);
        fputs(before, f);
        put_plain(f, line, 0);
        fputc('\n', f);
        text += length + (text[length] != 0);
    }
}

void put_xml(FILE *f, const char *text, size_t most)
{
    size_t n, done = 0;
    for (const char *s = text; *s != 0; s += n) {
        uint32_t c = utf8_next(s, &n);
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
        default: utf8_put(f, s, n, c);
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
