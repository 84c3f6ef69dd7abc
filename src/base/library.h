/*
 * Libraries that few processes ever need: loaded when they are first used, not at every start. What one brings along
 * costs each process that loads it memory of its own (the addresses that the loader fills in) and time.
 *
 *     #define FUNCTIONS(X) X(ssh_new) X(ssh_free)
 *     LIBRARY(libssh, "libssh.so.4", "sessions with machines", FUNCTIONS);
 *     ...
 *     const char *problem = library_load(&libssh_library);
 *     if (!problem)
 *         session = libssh.ssh_new();
 *
 * The functions have the types of the library's header. Who packages the programs finds these libraries in their notes
 * (`readelf -n`, systemd.io/ELF_DLOPEN_METADATA), where others stand among what is needed at start.
 */
#ifndef KANSO_BASE_LIBRARY_H
#define KANSO_BASE_LIBRARY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct library {
    const char *soname;
    const char *const *names; /* of `count` functions */
    size_t count;
    void *functions; /* a struct of as many pointers, in the same order; set once it is loaded */
    bool loaded;
};

/* Loads a library that is not there yet, for good. NULL, or why it cannot be loaded, until the next call. Lack of
 * memory ends the process as elsewhere (base/memory.h). Not to be called by several threads at once. */
const char *library_load(struct library *l);

#define LIBRARY_MEMBER(function) __typeof__(function) *(function);
#define LIBRARY_NAME(function)   #function,

/* Defines struct library NAME_library, and NAME with a pointer to each function. `about`: what it is loaded for. */
#define LIBRARY(name, soname_, about, FUNCTIONS)                                                                       \
    LIBRARY_NOTE(name##_note, "[{\"feature\":\"" #name "\",\"description\":\"" about                                   \
                              "\",\"priority\":\"required\",\"soname\":[\"" soname_ "\"]}]");                          \
    static const char *const name##_names[] = {FUNCTIONS(LIBRARY_NAME)};                                               \
    static struct {                                                                                                    \
        FUNCTIONS(LIBRARY_MEMBER)                                                                                      \
    } name;                                                                                                            \
    static struct library name##_library = {                                                                           \
        .soname = soname_,                                                                                             \
        .names = name##_names,                                                                                         \
        .count = sizeof name##_names / sizeof *name##_names,                                                           \
        .functions = &name,                                                                                            \
    }

#define LIBRARY_NOTE(variable, json)                                                                                   \
    __attribute__((used, section(".note.dlopen"), aligned(4))) static const struct {                                   \
        uint32_t owner_len, json_len, type;                                                                            \
        char owner[4];                                                                                                 \
        _Alignas(4) char text[sizeof(json)];                                                                           \
    } variable = {sizeof "FDO", sizeof(json), 0x407c0c0a, "FDO", json}

#endif
