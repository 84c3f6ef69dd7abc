/* Files of the tree inside the library, as they were when it was built: NUL-terminated text. */
#ifndef KANSO_DB_EMBEDDED_H
#define KANSO_DB_EMBEDDED_H

extern const char sql_schema[];      /* sql/schema.sql: the tables of ZenML 0.66.0 */
extern const char sql_kanso[];       /* sql/kanso.sql: Kanso's own tables and indexes */
extern const char sql_flavors[];     /* sql/flavors.json: the flavors of a fresh database */
extern const char nginx_conf[];      /* nginx/nginx.conf.in: the template of `kansoctl nginx-conf` */
extern const char nginx_pages[];     /* nginx/pages.conf.in: the part of it that serves Kanso's own pages */
extern const char nginx_dashboard[]; /* nginx/dashboard.conf.in: or ZenML's dashboard */
extern const char workload_bridge[]; /* scripts/workload-bridge.py: calls a workload manager that is a Python class */

#endif
