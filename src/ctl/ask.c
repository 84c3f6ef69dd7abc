#include "ctl/ask.h"

#include "base/text.h"
#include "base/url.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

bool ask_possible(void)
{
    return isatty(STDIN_FILENO);
}

/* The next line of standard input without its end; NULL when there is none. What is longer is no answer. */
static const char *read_line(struct arena *a)
{
    char line[8192];
    if (!fgets(line, sizeof line, stdin))
        return NULL;
    size_t len = strcspn(line, "\r\n");
    bool whole = line[len] != '\0' || feof(stdin);
    char *copy = whole ? arena_strndup(a, line, len) : NULL;
    explicit_bzero(line, sizeof line);
    return copy;
}

const char *ask_line(struct arena *a, const char *question, const char *otherwise)
{
    if (otherwise)
        fprintf(stderr, "%s [%s]: ", question, url_without_password(a, otherwise));
    else
        fprintf(stderr, "%s: ", question);
    const char *line = read_line(a);
    return line && !*line && otherwise ? otherwise : line;
}

static const char *ask_hidden(struct arena *a, const char *question, const char *whose)
{
    struct termios shown, hidden;
    bool terminal = tcgetattr(STDIN_FILENO, &shown) == 0;
    if (terminal) { /* before the question: what is typed from then on is the answer */
        hidden = shown;
        hidden.c_lflag &= ~(tcflag_t)ECHO;
        tcsetattr(STDIN_FILENO, TCSAFLUSH, &hidden);
    }
    fprintf(stderr, "%s %s: ", question, whose);
    const char *line = read_line(a);
    if (terminal)
        tcsetattr(STDIN_FILENO, TCSADRAIN, &shown);
    fputc('\n', stderr);
    return line;
}

const char *ask_password(struct arena *a, const char *whose, const char **problem)
{
    const char *password = ask_possible() ? ask_hidden(a, "Password of", whose) : read_line(a);
    *problem = NULL;
    if (!password || !*password)
        *problem = "a password is needed, on the terminal or as the first line of standard input";
    else if (ask_possible() && !streq(password, ask_hidden(a, "Again, the password of", whose)))
        *problem = "these are two different passwords";
    return *problem ? NULL : password;
}
