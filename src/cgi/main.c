/* cgi-bin/kanso: all endpoint groups in one program that answers one request and ends, for hosts that know CGI and
 * nothing else. The settings stand in the file that KANSO_CONF names or in kanso.conf beside scripts/, since a web
 * server's configuration is no place for passwords. */
#include "app/app.h"
#include "base/settings.h"

#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv)
{
    struct arena a = {0};
    const char *problem = settings_receive(), *file = getenv("KANSO_CONF"), *tree = settings_tree(&a);
    if (problem) {
        fprintf(stderr, "kanso: %s\n", problem);
        return 2;
    }
    if (!file && tree)
        file = arena_printf(&a, "%s/kanso.conf", tree);
    if (file && !settings_load(file) && getenv("KANSO_CONF"))
        fprintf(stderr, "kanso: KANSO_CONF: cannot read %s\n", file);
    arena_free(&a);
    return app_main(argc, argv, "all");
}
