/* libFuzzer target: timestamps, durations, UUIDs, addresses, numbers and encodings. What is read has one form. */
#include "fuzz.h"

#include "base/address.h"
#include "base/timestamp.h"
#include "base/uuid.h"

static void read_times(const char *s, size_t len)
{
    char stamp[STAMP_LEN + 1], again[STAMP_LEN + 1];
    double seconds;
    if (stamp_parse(s, len, stamp)) {
        expect(strlen(stamp) == STAMP_LEN && stamp_parse_exact(stamp, STAMP_LEN, again) && streq(stamp, again));
        if (stamp[0] != '0' && stamp_seconds(stamp) >= 0) {
            stamp_from_seconds(stamp_seconds(stamp), again);
            expect(streq(stamp, again));
        }
    }
    if (duration_parse(s, len, &seconds) && duration_possible(seconds)) {
        const char *text = duration_format(&arena, seconds);
        expect(duration_parse(text, strlen(text), &seconds));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = input_text(data, size, true);
    char hex[UUID_HEX + 1];
    int64_t number;
    size_t len;
    read_times(text, size);
    if (uuid_read(text, size, hex))
        expect(strspn(hex, "0123456789abcdef") == UUID_HEX);
    if (address_list_valid(text))
        address_listed(text, "::ffff:10.0.0.1");
    address_listed("10.0.0.0/8 ::1 fe80::/10", text);
    parse_int64(text, &number);
    parse_bool_word(text, size);
    if (utf8_valid(text, size))
        expect(utf8_length(text, size) <= size);
    const char *encoded = base64url_encode(&arena, text, size),
               *plain = base64url_decode(&arena, encoded, strlen(encoded), &len);
    expect(plain && len == size && memcmp(plain, text, size) == 0);
    base64_decode(&arena, text, size, &len);
    python_repr(&arena, text);
    free(text);
    arena_reset(&arena);
    return 0;
}
