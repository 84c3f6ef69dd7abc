#include "base/uuid.h"

#include "base/arena.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>
#include <uuid/uuid.h>

static bool hex_only(const char *s, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (!isxdigit((unsigned char)s[i]))
            return false;
    return true;
}

bool uuid_read(const char *s, size_t len, char hex[UUID_HEX + 1])
{
    if (len == UUID_TEXT + 9 && strncasecmp(s, "urn:uuid:", 9) == 0) {
        s += 9;
        len -= 9;
    } else if (len == UUID_TEXT + 2 && s[0] == '{' && s[len - 1] == '}') {
        s++;
        len -= 2;
    }
    char digits[UUID_HEX];
    if (len == UUID_HEX) {
        memcpy(digits, s, UUID_HEX);
    } else if (len == UUID_TEXT && s[8] == '-' && s[13] == '-' && s[18] == '-' && s[23] == '-') {
        memcpy(digits, s, 8);
        memcpy(digits + 8, s + 9, 4);
        memcpy(digits + 12, s + 14, 4);
        memcpy(digits + 16, s + 19, 4);
        memcpy(digits + 20, s + 24, 12);
    } else {
        return false;
    }
    if (!hex_only(digits, UUID_HEX))
        return false;
    for (int i = 0; i < UUID_HEX; i++)
        hex[i] = (char)tolower((unsigned char)digits[i]);
    hex[UUID_HEX] = '\0';
    return true;
}

void uuid_write(const char *hex, char text[UUID_TEXT + 1])
{
    static const int dash_before[] = {8, 12, 16, 20};
    int d = 0;
    char *p = text;
    for (int i = 0; i < UUID_HEX; i++) {
        if (d < 4 && i == dash_before[d]) {
            *p++ = '-';
            d++;
        }
        *p++ = hex[i];
    }
    *p = '\0';
}

char *uuid_dashed(struct arena *a, const char *hex)
{
    char text[UUID_TEXT + 1];
    uuid_write(hex, text);
    return arena_strdup(a, text);
}

void uuid_new(char hex[UUID_HEX + 1])
{
    uuid_t raw;
    uuid_generate_random(raw);
    static const char digits[] = "0123456789abcdef";
    for (int i = 0; i < 16; i++) {
        hex[2 * i] = digits[raw[i] >> 4];
        hex[2 * i + 1] = digits[raw[i] & 15];
    }
    hex[UUID_HEX] = '\0';
}

char *uuid_hex(struct arena *a, const char *text)
{
    char hex[UUID_HEX + 1];
    return text && uuid_read(text, strlen(text), hex) ? arena_strdup(a, hex) : NULL;
}

char *uuid_made(struct arena *a)
{
    char hex[UUID_HEX + 1];
    uuid_new(hex);
    return arena_strdup(a, hex);
}
