/* kansoctl openapi: the document that /openapi.json answers. */
#include "app/openapi.h"
#include "ctl/ctl.h"

#include <stdio.h>

static int print_document(const struct ctl_call *call)
{
    (void)call;
    size_t len;
    const char *text = openapi_text(&len);
    bool written = fwrite(text, 1, len, stdout) == len && putchar('\n') != EOF && fflush(stdout) == 0;
    return written ? CTL_DONE : ctl_fail("the document could not be written");
}

const struct ctl_command ctl_openapi = {
    .name = "openapi",
    .summary = "print the OpenAPI document",
    .details = "Prints the OpenAPI document of a server with this configuration.\n",
    .configured = true,
    .run = print_document,
};
