/* cgi-bin/kanso: all endpoint groups in one program that answers one request and ends, for hosts that know CGI and
 * nothing else. The settings stand in a file, since a web server's configuration is no place for passwords. */
#include "app/app.h"
#include "base/settings.h"

#include <stdio.h>

int main(int argc, char **argv)
{
    const char *problem = settings_receive();
    if (problem) {
        fprintf(stderr, "kanso: %s\n", problem);
        return 2;
    }
    settings_load_own();
    return app_main(argc, argv, "all");
}
