/* kansoctl man: manual pages in mdoc(7), made from the rows of the commands and of the variables. */
#include "base/text.h"
#include "ctl/config.h"
#include "ctl/ctl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* A character of text, escaped for roff. */
static void put_char(char c)
{
    if (c == '\\')
        fputs("\\e", stdout);
    else if (c == '-')
        fputs("\\-", stdout);
    else
        putchar(c);
}

/* Part of a line of text. One that begins with a dot or an apostrophe would be a request. */
static void put_part(const char *s, size_t len, bool begins)
{
    if (begins && len && (*s == '.' || *s == '\''))
        fputs("\\&", stdout);
    for (size_t i = 0; i < len; i++)
        put_char(s[i]);
}

static bool ends_sentence(const char *word, size_t len)
{
    while (len && strchr(")\"'`", word[len - 1]))
        len--;
    return len && strchr(".!?", word[len - 1]);
}

/* Text to be filled, `len` bytes: lines of ordinary length, each sentence on a line of its own, as mdoc(7) wants it. */
static void put_text(const char *s, size_t len)
{
    enum { FULL = 68 };
    const char *end = s + len;
    size_t column = 0;
    while (s < end) {
        size_t word = strcspn(s, " \n");
        if (word > (size_t)(end - s))
            word = (size_t)(end - s);
        if (word && column && column + word > FULL) {
            putchar('\n');
            column = 0;
        }
        if (word) {
            if (column)
                putchar(' ');
            put_part(s, word, !column);
            column += word + 1;
        }
        if (word && ends_sentence(s, word)) {
            putchar('\n');
            column = 0;
        }
        s += word + 1;
    }
    if (column)
        putchar('\n');
}

/* One line that stays as it is. */
static void put_line(const char *s, size_t len)
{
    put_part(s, len, true);
    putchar('\n');
}

/* Lines of a command's details: paragraphs, and between them what is indented and stays as it is. */
static void put_details(const char *s)
{
    bool literal = false, empty = true;
    while (*s) {
        size_t len = strcspn(s, "\n"), more = len;
        bool indented = *s == ' ';
        if (literal && !indented)
            puts(".Ed");
        if (indented && !literal)
            puts(".Bd -literal");
        literal = indented;
        if (!indented && len) { /* to the end of the paragraph */
            while (s[more] && s[more + 1] && s[more + 1] != '\n' && s[more + 1] != ' ')
                more += 1 + strcspn(s + more + 1, "\n");
            if (!empty)
                puts(".Pp");
            put_text(s, more);
            empty = false;
        } else if (indented) {
            put_line(s + 2, len > 2 ? len - 2 : 0);
            empty = true;
        }
        s += more + (s[more] != '\0');
    }
    if (literal)
        puts(".Ed");
}

static void put_option(const char *name, const char *value, const char *help)
{
    printf(".It Fl Fl %s%s%s\n", name, value ? " Ar " : "", value ? value : "");
    put_text(help, strlen(help));
}

static void put_forms(const struct ctl_command *c)
{
    const char *form = c->synopsis ? c->synopsis : "";
    puts(".Bd -literal -offset indent");
    do {
        size_t len = strcspn(form, "\n");
        printf("kansoctl %s%s", c->name, len ? " " : "");
        put_part(form, len, false);
        puts(c->columns ? " [\\-\\-json]" : "");
        form += len + (form[len] != '\0');
    } while (*form);
    puts(".Ed");
    puts(".Pp");
}

static void put_command(const struct ctl_command *c)
{
    printf(".Ss %s\n", c->name);
    if (c->run)
        put_forms(c);
    put_details(c->details);
    if (!c->options[0].name && !c->columns)
        return;
    puts(".Bl -tag -width Ds");
    for (size_t i = 0; i < CTL_MAX_OPTIONS && c->options[i].name; i++)
        put_option(c->options[i].name, c->options[i].value, c->options[i].help);
    if (c->columns)
        put_option("json", NULL, CTL_JSON_HELP);
    puts(".El");
}

/* The day of the page: reproducible builds say it in SOURCE_DATE_EPOCH. */
static void put_date(void)
{
    static const char *const months[] = {"January", "February", "March",     "April",   "May",      "June",
                                         "July",    "August",   "September", "October", "November", "December"};
    int64_t when;
    struct tm t;
    time_t at = parse_int64(ctl_env("SOURCE_DATE_EPOCH", ""), &when) ? (time_t)when : time(NULL);
    if (gmtime_r(&at, &t))
        printf(".Dd %s %d, %d\n", months[t.tm_mon], t.tm_mday, 1900 + t.tm_year);
}

/* kansoctl(1) ------------------------------------------------------------------------------------------------------ */

static const char introduction[] = ".Dt KANSOCTL 1\n"
                                   ".Os\n"
                                   ".Sh NAME\n"
                                   ".Nm kansoctl\n"
                                   ".Nd look after a Kanso server\n"
                                   ".Sh SYNOPSIS\n"
                                   ".Nm\n"
                                   ".Ar command\n"
                                   ".Op Ar arguments\n"
                                   ".Sh DESCRIPTION\n"
                                   ".Nm\n"
                                   "is the operator's tool of Kanso, a server for ZenML.\n"
                                   "It works on the database itself, also while the server runs\n"
                                   "or when nobody can sign in.\n"
                                   ".Pp\n"
                                   "Results go to standard output, complaints to standard error, as one\n"
                                   "line each.\n"
                                   "Commands whose results are rows take\n"
                                   ".Fl Fl json ,\n"
                                   "every command takes\n"
                                   ".Fl Fl help .\n"
                                   ".Sh COMMANDS\n";

static const char closing[] = ".Sh ENVIRONMENT\n"
                              "Settings are those of the server, from the environment or from lines\n"
                              "NAME=value in\n"
                              ".Pa kanso.conf ;\n"
                              "the environment wins.\n"
                              ".Bl -tag -width Ds\n"
                              ".It Ev KANSO_CONF\n"
                              "The file of settings.\n"
                              ".It Ev KANSO_HOME\n"
                              "The directory of the instance: private database, keys, sockets, logs.\n"
                              ".It Ev ZENML_STORE_URL\n"
                              "The database.\n"
                              ".El\n"
                              ".Sh EXIT STATUS\n"
                              ".Bl -tag -width Ds\n";

static void put_kansoctl(void)
{
    fputs(introduction, stdout);
    for (size_t i = 0; ctl_commands[i]; i++)
        put_command(ctl_commands[i]);
    fputs(closing, stdout);
    for (size_t i = 0; ctl_statuses[i]; i++) {
        printf(".It %zu\n", i);
        put_text(ctl_statuses[i], strlen(ctl_statuses[i]));
    }
    puts(".El");
    puts(".Sh SEE ALSO\n.Xr kanso 1 ,\n.Xr kanso.conf 5");
}

/* kanso.conf(5) ---------------------------------------------------------------------------------------------------- */

static const char conf_introduction[] = ".Dt KANSO.CONF 5\n"
                                        ".Os\n"
                                        ".Sh NAME\n"
                                        ".Nm kanso.conf\n"
                                        ".Nd settings of a Kanso server\n"
                                        ".Sh DESCRIPTION\n"
                                        "Lines NAME=value, which may stand in single or double quotes.\n"
                                        "Empty lines and those that begin with # are comments.\n"
                                        "A variable of the environment wins over its line.\n"
                                        ".Pp\n"
                                        "The file is the one that\n"
                                        ".Ev KANSO_CONF\n"
                                        "names; else\n"
                                        ".Pa /etc/kanso/kanso.conf\n"
                                        "where Kanso was installed as a package,\n"
                                        ".Pa $KANSO_HOME/kanso.conf ,\n"
                                        "and the one beside\n"
                                        ".Pa scripts/kanso .\n"
                                        "It may hold keys and passwords: mode 0600.\n"
                                        ".Pp\n"
                                        ".Ic kansoctl setup\n"
                                        "writes it,\n"
                                        ".Ic kansoctl config\n"
                                        "prints what is in force.\n"
                                        ".Sh VARIABLES\n"
                                        ".Bl -tag -width Ds\n";

static void put_conf(struct arena *a)
{
    struct config_variable v;
    fputs(conf_introduction, stdout);
    for (size_t i = 0; known_variable(i, &v); i++) {
        printf(".It Ev %s\n", v.name);
        const char *about =
            v.secret || !v.def || !*v.def ? v.about : arena_printf(a, "%s (default: %s)", v.about, v.def);
        put_text(about, strlen(about));
    }
    puts(".El\n.Sh SEE ALSO\n.Xr kanso 1 ,\n.Xr kansoctl 1");
}

/* ------------------------------------------------------------------------------------------------------------------ */

static int print_page(const struct ctl_call *call)
{
    const char *page = call->operand_count ? call->operands[0] : "kansoctl";
    bool conf = streq(page, "kanso.conf");
    if (!conf && !streq(page, "kansoctl"))
        return ctl_missing("there is no page '%s'; there are kansoctl and kanso.conf", page);
    put_date();
    if (conf)
        put_conf(call->mem);
    else
        put_kansoctl();
    return fflush(stdout) == 0 ? CTL_DONE : ctl_fail("the page could not be written");
}

const struct ctl_command ctl_man = {
    .name = "man",
    .summary = "print a manual page",
    .synopsis = "[kansoctl|kanso.conf]",
    .details =
        "Prints the manual page kansoctl(1), or kanso.conf(5), in mdoc(7). `make man` writes them to build/man.\n",
    .most_operands = 1,
    .run = print_page,
};
