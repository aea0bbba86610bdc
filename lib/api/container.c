/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Handles: making, sharing, releasing; errors and log. */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "api/call.h"
#include "base/fd.h"

const ct_error ct_no_error = CT_STATIC_ERROR(0, 0, "", "", "");
const ct_error ct_no_handle = CT_STATIC_ERROR(-EINVAL, CT_ERR_ARGUMENT, "no handle", "call", "");
#define NEW_HANDLE "make a handle of your own here, by ct_new()"
const ct_error ct_forked = CT_STATIC_ERROR(-ECHILD, CT_ERR_FORKED,
					   "the handle belongs to the process that this one was "
					   "forked from. Hint: " NEW_HANDLE,
					   "call", NEW_HANDLE);

#define STATIC_ERROR(var, e, i, text) \
	static const ct_error var = CT_STATIC_ERROR(e, i, text, "call", "")
STATIC_ERROR(err_empty, -EINVAL, CT_ERR_NAME,
	     "a container's name is not empty. Hint: NULL makes an anonymous one");
STATIC_ERROR(err_start, -EINVAL, CT_ERR_NAME,
	     "a container's name does not begin with \".\" or \"-\"");
STATIC_ERROR(err_chars, -EINVAL, CT_ERR_NAME,
	     "a container's name has only letters, digits, \".\", \"_\" and \"-\"");
STATIC_ERROR(err_long, -ENAMETOOLONG, CT_ERR_NAME, "a container's name has at most 255 bytes");
STATIC_ERROR(err_memory, -ENOMEM, CT_ERR_MEMORY, "out of memory");
STATIC_ERROR(err_dir, -EINVAL, CT_ERR_ARGUMENT,
	     "a directory given to ct_new() is an absolute path");
STATIC_ERROR(err_size, -EINVAL, CT_ERR_ARGUMENT,
	     "ct_new_opts.size is too small. Hint: begin with CT_NEW_OPTS_INIT");
STATIC_ERROR(err_tail, -E2BIG, CT_ERR_STRUCT_TAIL,
	     "ct_new_opts is newer than this library and uses what it does not know");
STATIC_ERROR(err_flags, -EINVAL, CT_ERR_FLAGS, "ct_new_opts.flags has an unknown flag");
STATIC_ERROR(err_out, -EINVAL, CT_ERR_ARGUMENT, "no place for the handle");
STATIC_ERROR(err_no_base, -ENOENT, CT_ERR_STATE,
	     "there is no run-time directory. Hint: set XDG_RUNTIME_DIR, or give state_dir");

/* The error for a name; NULL: it is valid. */
static const ct_error *name_error(const char *name)
{
	if (!name)
		return NULL;
	if (!*name)
		return &err_empty;
	if (*name == '.' || *name == '-')
		return &err_start;
	for (const char *p = name; *p; p++)
		if (!isalnum((unsigned char)*p) && !strchr("._-", *p))
			return &err_chars;
	if (strlen(name) >= CT_NAME_SIZE)
		return &err_long;
	return NULL;
}

static const ct_error *take_new_opts(const ct_new_opts *in, ct_new_opts *o)
{
	struct ct_err e;
	int r;

	ct_err_clear(&e);
	r = ct_take_opts(o, sizeof(*o), in, offsetof(ct_new_opts, dir), &o->flags, 0, &e);
	if (r == -E2BIG)
		return &err_tail;
	if (r < 0 && e.id == CT_ERR_FLAGS)
		return &err_flags;
	if (r < 0)
		return &err_size;
	if ((o->dir && *o->dir != '/') || (o->state_dir && *o->state_dir != '/'))
		return &err_dir;
	return NULL;
}

static char *state_base(const ct_new_opts *o)
{
	char base[4096];

	if (o->state_dir)
		return strdup(o->state_dir);
	if (ct_state_default_base(base, sizeof(base), NULL) < 0)
		return NULL;
	return strdup(base);
}

void ct_drop_mounts(struct ct_container *c)
{
	for (uint32_t i = 0; i < c->n_mounts; i++) {
		ct_close(&c->mounts[i].fd);
		free(c->mounts[i].source);
		free(c->mounts[i].target);
		free(c->mounts[i].fstype);
		free(c->mounts[i].options);
	}
	free(c->mounts);
	c->mounts = NULL;
	c->n_mounts = 0;
}

static void container_free(struct ct_container *c)
{
	ct_process_put(c->init);
	ct_process_put(c->starting);
	ct_config_free(c->config);
	ct_config_free(c->running);
	ct_drop_kept(c);
	ct_close(&c->rootfs_fd);
	ct_events_free(c->events);
	ct_arena_free(c->trees_arena);
	ct_drop_mounts(c);
	free(c->dir);
	free(c->path);
	free(c->base);
	free(c->config_file);
	pthread_mutex_destroy(&c->lock);
	ct_records_free(&c->errors);
	free(c);
}

static struct ct_container *make(const char *name, const ct_new_opts *o)
{
	struct ct_container *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->refs = 1;
	c->owner = getpid();
	c->rootfs_fd = c->image = -1;
	pthread_mutex_init(&c->lock, NULL);
	ct_records_init(&c->errors);
	if (name)
		memcpy(c->name, name, strlen(name));
	if (o->dir)
		c->dir = strdup(o->dir);
	else
		c->dir = ct_default_dir();
	c->base = state_base(o);
	c->config = ct_config_new();
	c->log = (struct ct_log){ .name = c->name, .config = &c->config };
	if (name && c->dir)
		c->path = ct_container_path(c, NULL);
	return c;
}

CT_PUBLIC int ct_new(ct_container **out, const char *name, const ct_new_opts *opts)
{
	ct_new_opts o = CT_NEW_OPTS_INIT;
	struct ct_container *c = NULL;
	const ct_error *why = &err_out;

	if (out)
		why = take_new_opts(opts, &o);
	if (!why)
		why = name_error(name);
	if (!why) {
		c = make(name, &o);
		if (!c || !c->dir || !c->config || (name && !c->path))
			why = &err_memory;
		else if (name && !c->base)
			why = &err_no_base;
	}
	if (why) {
		if (c)
			container_free(c);
		if (o.error)
			*o.error = why;
		return why->err;
	}
	*out = c;
	return 0;
}

CT_PUBLIC ct_container *ct_ref(ct_container *c)
{
	if (c)
		__atomic_add_fetch(&c->refs, 1, __ATOMIC_RELAXED);
	return c;
}

CT_PUBLIC ct_container *ct_unref(ct_container *c)
{
	if (c && __atomic_sub_fetch(&c->refs, 1, __ATOMIC_ACQ_REL) == 0)
		container_free(c);
	return NULL;
}

CT_PUBLIC const char *ct_name(const ct_container *c)
{
	if (!c)
		return "";
	return c->name;
}

CT_PUBLIC const char *ct_path(const ct_container *c)
{
	if (c && c->path)
		return c->path;
	return "";
}

CT_PUBLIC const ct_error *ct_last_error(const ct_container *c)
{
	if (!c)
		return &ct_no_handle;
	/* not in a forked child: another thread may have held the lock at the fork */
	if (c->owner == getpid())
		return ct_last_of(&((struct ct_container *)(uintptr_t)c)->errors);
	return &ct_forked;
}

/* One block of memory: the struct, and behind it the strings in the order of the pointers. */
CT_PUBLIC int ct_error_copy(const ct_error *e, ct_error **out)
{
	static const size_t at[] = { offsetof(ct_error, message),      offsetof(ct_error, where),
				     offsetof(ct_error, step_name),    offsetof(ct_error, backend),
				     offsetof(ct_error, key),	       offsetof(ct_error, file),
				     offsetof(ct_error, syscall_name), offsetof(ct_error, object),
				     offsetof(ct_error, kernel),       offsetof(ct_error, hint),
				     offsetof(ct_error, more) };
	const size_t n = sizeof(at) / sizeof(*at);
	size_t size = sizeof(*e);
	ct_error *copy;
	char *text;

	if (!e || !out || e->size < sizeof(*e))
		return -EINVAL;
	for (size_t i = 0; i < n; i++)
		size += strlen(*(const char *const *)((const char *)e + at[i])) + 1;
	copy = malloc(size);
	if (!copy)
		return -ENOMEM;
	*copy = *e;
	text = (char *)(copy + 1);
	for (size_t i = 0; i < n; i++) {
		const char *from = *(const char *const *)((const char *)e + at[i]);
		size_t len = strlen(from) + 1;

		*(const char **)((char *)copy + at[i]) = memcpy(text, from, len);
		text += len;
	}
	*out = copy;
	return 0;
}

CT_PUBLIC const char *ct_error_name(int id)
{
	static const struct {
		int id;
		const char *name;
	} rows[] = {
#define CT_ERROR_ROW(id, name, text) { id, name },
#include "error-table.h"
#undef CT_ERROR_ROW
	};

	for (unsigned i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		if (rows[i].id == id)
			return rows[i].name;
	return "CT_ERR_?";
}

CT_PUBLIC const char *ct_version(void)
{
	return CT_VERSION;
}

CT_PUBLIC void ct_free(void *p)
{
	free(p);
}

CT_PUBLIC int ct_set_log(ct_container *c, int level, ct_log_fn fn, void *data)
{
	CT_RECORD(e);
	int r = ct_check_handle(c, &e);

	if (r >= 0 && (level < 0 || level > CT_LOG_TRACE))
		r = ct_fail(&e, -EINVAL, CT_ERR_ARGUMENT, "call", "there is no log level %d",
			    level);
	if (r >= 0) {
		c->log.level = level;
		c->log.fn = fn;
		c->log.data = data;
	}
	return ct_done(c, &e, r);
}
