#include "base/library.h"

#include "base/memory.h"

#include <dlfcn.h>
#include <string.h>
#include <sys/mman.h>

/* All or nothing: a function that is missing is found out here, not when it is called (RTLD_NOW). */
static const char *find_functions(const struct library *l, void *handle)
{
    char *to = l->functions;
    for (size_t i = 0; i < l->count; i++, to += sizeof(void *)) {
        void *function = dlsym(handle, l->names[i]);
        if (!function)
            return dlerror();
        memcpy(to, &function, sizeof function);
    }
    return NULL;
}

/* The loader maps files without saying why it could not. Where there is no room for the largest of these libraries,
 * with all that they bring along (12 MiB), it was that. */
static void end_if_memory_lacks(void)
{
    enum { ROOM = 32 * 1024 * 1024 };
    void *room = mmap(NULL, ROOM, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (room == MAP_FAILED)
        memory_exhausted();
    munmap(room, ROOM);
}

const char *library_load(struct library *l)
{
    if (l->loaded)
        return NULL;
    void *handle = dlopen(l->soname, RTLD_NOW | RTLD_LOCAL);
    const char *problem = handle ? find_functions(l, handle) : dlerror();
    if (!handle)
        end_if_memory_lacks();
    l->loaded = !problem; /* the handle is kept for as long as the process lives */
    return problem;
}
