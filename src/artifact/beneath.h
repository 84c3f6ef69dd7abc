/*
 * Opening files below a directory that is open already, without following anything on the way: whatever names are
 * exchanged for links between a look and the opening, nothing outside is opened.
 */
#ifndef KANSO_ARTIFACT_BENEATH_H
#define KANSO_ARTIFACT_BENEATH_H

/* Opens `path`, relative to `dir` and not empty, with the flags of open(2) (no O_CREAT). A symbolic link anywhere in it
 * is ELOOP, a way out of `dir` EXDEV. The kernel is asked to see to that (openat2, Linux 5.6); where it cannot,
 * open_stepwise() does. Returns a descriptor that is closed on exec, or -1 with errno. */
int open_beneath(int dir, const char *path, int flags);

/* The same by one openat() for each name of the path. `.` and `..` are EXDEV. */
int open_stepwise(int dir, const char *path, int flags);

#endif
