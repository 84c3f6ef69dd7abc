/*
 * kanso-jobs with one kind of jobs, `script`: the payload is words that say what to do, one after another.
 *
 *   note:X      leave X in kanso_test_note, at once         refuse       fail for good
 *   done:X      leave X and end the job, in one transaction  unavailable  fail for now
 *   open:X      the same without a commit                   again:N      come up again in N seconds
 *   commit      and that                                    add:KEY      add a job `note:added` with that key
 *   sleep:MS    wait                                        spawn        start a program that takes long; its id is
 * left die         end by SIGKILL                              eat:MB       use up memory exit:N      end with that
 * status                        as:ID        act as that account, and leave its name
 *
 * When it is given up, `gave-up` and the reason are left.
 */
#include "auth/auth.h"
#include "base/text.h"
#include "base/uuid.h"
#include "jobs/jobs.h"
#include "resource/sql.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int leave(struct ctx *c, const struct job *job, const char *text)
{
    return sql(c, NULL, "INSERT INTO kanso_test_note (job, attempt, pid, word) VALUES (?, ?, ?, ?)", p_text(job->id),
               p_int(job->attempt), p_int(getpid()), p_text(text));
}

static int end_with(struct ctx *c, const struct job *job, const char *text)
{
    int rc = sql_begin(c);
    if (rc == OK)
        rc = leave(c, job, text);
    return rc == OK ? job_done(c, job, text) : rc;
}

static int add(struct ctx *c, const struct job *job, const char *key)
{
    int rc = sql_begin(c);
    if (rc == OK)
        rc = job_add(c, "script", job->subject, key, (struct span){"note:added", 10}, 0);
    return rc == OK ? sql_commit(c) : rc;
}

static int again(struct ctx *c, const struct job *job, const char *seconds)
{
    int rc = sql_begin(c);
    if (rc == OK)
        rc = job_again(c, job, atoi(seconds), "not yet");
    return rc == OK ? sql_commit(c) : rc;
}

static int spawn(struct ctx *c, const struct job *job)
{
    pid_t pid = fork();
    if (pid == 0) {
        execlp("sleep", "sleep", "300", NULL);
        _exit(1);
    }
    return leave(c, job, arena_printf(c->mem, "spawned %d", (int)pid));
}

static int eat(const char *megabytes)
{
    for (int i = atoi(megabytes); i > 0; i--)
        memset(xmalloc(1 << 20), 1, 1 << 20); /* given back by the end of the process */
    return OK;
}

static int act_as(struct ctx *c, const struct job *job, const char *id)
{
    int rc = authenticate_as(c, id);
    return rc == OK ? leave(c, job, c->auth->name) : rc;
}

static int do_word(struct ctx *c, const struct job *job, const char *word, const char *value)
{
    if (streq(word, "note"))
        return leave(c, job, value);
    if (streq(word, "sleep"))
        return usleep((useconds_t)atoi(value) * 1000), OK;
    if (streq(word, "die"))
        return raise(SIGKILL);
    if (streq(word, "exit"))
        _exit(atoi(value));
    if (streq(word, "open"))
        return end_with(c, job, value);
    if (streq(word, "commit"))
        return sql_commit(c);
    if (streq(word, "refuse"))
        return fail(c, EX_VALUE, "This is refused");
    if (streq(word, "unavailable"))
        return fail(c, EX_UNAVAILABLE, "This is not possible now");
    if (streq(word, "again"))
        return again(c, job, value);
    if (streq(word, "add"))
        return add(c, job, value);
    if (streq(word, "spawn"))
        return spawn(c, job);
    if (streq(word, "eat"))
        return eat(value);
    if (streq(word, "as"))
        return act_as(c, job, value);
    if (streq(word, "done")) {
        int rc = end_with(c, job, value);
        return rc == OK ? sql_commit(c) : rc;
    }
    return fail(c, EX_VALUE, "There is no word %s", word);
}

static int run(struct ctx *c, const struct job *job)
{
    int rc = OK;
    char *save, *words = arena_strndup(c->mem, job->payload.s, job->payload.len);
    for (char *word = strtok_r(words, " ", &save); word && rc == OK; word = strtok_r(NULL, " ", &save)) {
        char *colon = strchr(word, ':');
        if (colon)
            *colon = '\0';
        rc = do_word(c, job, word, colon ? colon + 1 : "");
    }
    return rc;
}

static int gave_up(struct ctx *c, const struct job *job)
{
    int rc = end_with(c, job, arena_printf(c->mem, "gave-up %s", job->reason));
    return rc == OK ? sql_commit(c) : rc;
}

static const struct job_kind script = {.name = "script", .run = run, .gave_up = gave_up, .attempts = 3, .timeout = 8};

int main(int argc, char **argv)
{
    static const struct job_kind *const kinds[] = {&script, NULL};
    return jobs_main(argc, argv, kinds);
}
