/* What the fuzz targets share: one arena for an input, and a way to say what must hold. */
#ifndef KANSO_FUZZ_H
#define KANSO_FUZZ_H

#include "app/app.h"
#include "base/text.h"
#include "http/context.h"
#include "json/scan.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct arena arena;

static inline void expect(bool holds)
{
    if (!holds)
        abort();
}

/* A copy that ends where its allocation ends, so that reading on is noticed; with a NUL behind it where C wants one. */
static inline char *input_text(const uint8_t *data, size_t size, bool terminated)
{
    char *text = malloc(size + terminated);
    if (size)
        memcpy(text, data, size);
    if (terminated)
        text[size] = '\0';
    return text;
}

/* The problems that a check has found are JSON, whatever the input was. */
static inline void expect_json_problems(struct check *k)
{
    struct json_error error;
    const char *text = check_text(k);
    expect(json_check_strict(text, strlen(text), &error));
}

/* The n-th route of all groups, counted around. */
static inline const struct route *nth_route(size_t n)
{
    size_t count = 0;
    for (size_t g = 0; all_groups[g]; g++)
        count += all_groups[g]->count;
    if (count == 0)
        return NULL;
    n %= count;
    for (size_t g = 0; all_groups[g]; g++) {
        if (n < all_groups[g]->count)
            return &all_groups[g]->routes[n];
        n -= all_groups[g]->count;
    }
    return NULL;
}

#endif
