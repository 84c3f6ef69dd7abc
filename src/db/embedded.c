#include "db/embedded.h"

/* Paths are relative to the top of the tree, where make runs the compiler. */
#define EMBED(symbol, file)                                                                                            \
    __asm__(".pushsection .rodata\n"                                                                                   \
            ".global " #symbol "\n"                                                                                    \
            ".type " #symbol ", @object\n" #symbol ":\n"                                                               \
            ".incbin \"" file "\"\n"                                                                                   \
            ".byte 0\n"                                                                                                \
            ".size " #symbol ", . - " #symbol "\n"                                                                     \
            ".popsection\n")

EMBED(sql_schema, "sql/schema.sql");
EMBED(sql_kanso, "sql/kanso.sql");
EMBED(sql_flavors, "sql/flavors.json");
EMBED(nginx_conf, "nginx/nginx.conf.in");
EMBED(nginx_pages, "nginx/pages.conf.in");
EMBED(nginx_dashboard, "nginx/dashboard.conf.in");
EMBED(workload_bridge, "scripts/workload-bridge.py");
