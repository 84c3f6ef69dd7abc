/* kansoctl openapi: the document that /openapi.json answers. */
#include "app/openapi.h"
#include "base/arena.h"
#include "base/config.h"
#include "base/text.h"
#include "ctl/ctl.h"

#include <stdio.h>

int ctl_openapi(int argc, char **argv)
{
    if (argc > 1) {
        bool help = streq(argv[1], "--help");
        fputs("Usage: kansoctl openapi\n\nPrints the OpenAPI document of a server with this configuration.\n",
              help ? stdout : stderr);
        return help ? CTL_DONE : CTL_MISUSED;
    }
    struct arena a = {0};
    const char *problem = config_load(&a);
    size_t len;
    if (problem)
        return ctl_fail("%s", problem);
    const char *text = openapi_text(&len);
    bool written = fwrite(text, 1, len, stdout) == len && putchar('\n') != EOF && fflush(stdout) == 0;
    arena_free(&a);
    return written ? CTL_DONE : ctl_fail("the document could not be written");
}
