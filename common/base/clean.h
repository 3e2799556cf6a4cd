// Ownership by scope: `CLEAN(free_ptr) char *p = ...` frees at the end of the scope; `take_ptr(&p)`
// hands it over.
#pragma once

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define CLEAN(fn)    __attribute__((cleanup(fn)))
#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

// Defines `fn_ptr(type **)`, a cleanup function around `fn(type *)`, which must accept NULL.
#define CLEAN_FUNC(type, fn)                                                                       \
	static inline void fn##_ptr(type **p)                                                      \
	{                                                                                          \
		fn(*p);                                                                            \
	}

// Returns *p and clears it. `p` is the address of a pointer variable.
#define take_ptr(p)                                                                                \
	__extension__({                                                                            \
		__auto_type take_ptr_at = (p);                                                     \
		__auto_type take_ptr_value = *take_ptr_at;                                         \
		*take_ptr_at = NULL;                                                               \
		take_ptr_value;                                                                    \
	})

static inline void free_ptr(void *p)
{
	free(*(void **)p);
}

static inline void close_fd(const int *fd)
{
	if (*fd >= 0)
		(void)close(*fd);
}

static inline void close_file(FILE **f)
{
	if (*f)
		(void)fclose(*f);
}

static inline int take_fd(int *fd)
{
	int taken = *fd;
	*fd = -1;
	return taken;
}
