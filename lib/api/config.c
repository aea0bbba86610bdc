/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The config of a handle, its descriptors and extra mounts, and the key table for others. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "api/call.h"
#include "base/fd.h"
#include "base/origin.h"
#include "shared/weak.h"

CT_PUBLIC int ct_set_config(ct_container *c, const char *key, const char *value)
{
	CT_RECORD(e);
	int r = ct_check_handle(c, &e);

	if (r >= 0 && (!key || !value))
		r = ct_fail(&e, -EINVAL, CT_ERR_ARGUMENT, "config", "no key or no value");
	if (r >= 0)
		r = ct_config_set(c->config, key, value, &e);
	return ct_done_change(c, &e, key, r);
}

/* As snprintf(3) does: copies as much as fits, terminated, and returns the full length. */
static ssize_t copy_out(const struct ct_buf *text, char *buf, size_t size)
{
	size_t n = text->len;

	if (size) {
		if (n >= size)
			n = size - 1;
		memcpy(buf, ct_buf_text(text), n);
		buf[n] = 0;
	}
	return (ssize_t)text->len;
}

CT_PUBLIC ssize_t ct_get_config(ct_container *c, const char *key, char *buf, size_t size)
{
	CT_CLEAN_BUF struct ct_buf text = CT_BUF_INIT;
	CT_RECORD(e);
	int r = ct_check_handle(c, &e);

	if (r >= 0 && (!key || (size && !buf)))
		r = ct_fail(&e, -EINVAL, CT_ERR_ARGUMENT, "config", "no key or no buffer");
	if (r >= 0)
		r = ct_config_get(c->config, key, &text, &e);
	if (r >= 0)
		r = ct_buf_error(&text);
	if (ct_done(c, &e, r) < 0)
		return r;
	return copy_out(&text, buf, size);
}

CT_PUBLIC int ct_clear_config(ct_container *c, const char *key)
{
	CT_RECORD(e);
	int r = ct_check_handle(c, &e);

	if (r >= 0)
		r = ct_config_clear(c->config, key, &e);
	if (r >= 0 && !key) {
		ct_drop_mounts(c);
		ct_close(&c->rootfs_fd);
	}
	return ct_done_change(c, &e, key, r);
}

CT_PUBLIC ssize_t ct_list_keys(const char *prefix, char *buf, size_t size)
{
	CT_CLEAN_BUF struct ct_buf text = CT_BUF_INIT;

	if (size && !buf)
		return -EINVAL;
	if (!prefix)
		prefix = "";
	prefix = ct_plain_key(prefix);
	for (uint32_t i = 0; i < ct_n_keys; i++)
		if (!strncmp(ct_keys[i].name, prefix, strlen(prefix)))
			ct_buf_printf(&text, "%s\n", ct_keys[i].name);
	if (ct_buf_error(&text))
		return -ENOMEM;
	return copy_out(&text, buf, size);
}

/* The library's flags of a key, and those of the public interface. */
static const struct {
	uint32_t ours, theirs;
} key_flags[] = {
	{ CT_KF_LIST, CT_KEY_LIST },
	{ CT_KF_STORED, CT_KEY_STORED_ONLY },
	{ CT_KF_OURS, CT_KEY_OURS },
};

CT_PUBLIC int ct_describe_key(const char *key, ct_key_info *out)
{
	const char *sub;
	const struct ct_key *k = NULL;
	ct_key_info info = CT_KEY_INFO_INIT;
	size_t size, n = sizeof(info);

	if (!out || out->size < offsetof(ct_key_info, flags))
		return -EINVAL;
	size = out->size;
	if (size < n)
		n = size;
	if (key)
		k = ct_key_find(key, &sub);
	if (size > sizeof(info))
		for (size_t i = sizeof(info); i < size; i++)
			if (((unsigned char *)out)[i])
				return -E2BIG;
	if (!k)
		return -ENOENT;
	info.size = size;
	info.name = k->name;
	info.type = k->type->name;
	info.dflt = k->dflt ? k->dflt : "";
	info.help = k->help;
	for (size_t i = 0; i < sizeof(key_flags) / sizeof(key_flags[0]); i++)
		if (k->flags & key_flags[i].ours)
			info.flags |= key_flags[i].theirs;
	memcpy(out, &info, n);
	return 0;
}

int ct_load_into(struct ct_container *c, struct ct_config *config, const char **path, char **own,
		 struct ct_err *e)
{
	if (!*path && !c->name[0])
		return ct_fail(e, -EINVAL, CT_ERR_ARGUMENT, "config",
			       "an anonymous container has no config file");
	if (!*path) {
		*path = *own = ct_container_path(c, "config");
		if (!*own)
			return ct_oom(e);
		if (access(*own, F_OK) < 0 && errno == ENOENT) {
			ct_err_object(e, c->name);
			ct_err_hint(e, "ct_list() (ct-ls) names those that are; "
				       "-P names another container directory");
			return ct_fail(e, -ENOENT, CT_ERR_NOT_DEFINED, "config",
				       "no such container is defined in %s", c->dir);
		}
	}
	return ct_config_load(config, *path, e);
}

CT_PUBLIC int ct_load_config(ct_container *c, const char *path)
{
	struct ct_faults faults = { .text = CT_BUF_INIT, .keys = CT_BUF_INIT };
	CT_RECORD(e);
	int r = ct_check_handle(c, &e);
	char *own = NULL;

	e.all = &faults;
	if (r >= 0)
		r = ct_load_into(c, c->config, &path, &own, &e);
	if (r >= 0) {
		char *copy = strdup(path);

		if (copy) {
			free(c->config_file);
			c->config_file = copy;
		}
	}
	free(own);
	r = ct_done_change(c, &e, NULL, r);
	ct_faults_free(&faults);
	return r;
}

static int write_text(const char *path, const struct ct_buf *text)
{
	CT_CLEAN_FD int dir = -1;
	char parent[PATH_MAX + 1]; /* a longer one is cut, and refused with ENAMETOOLONG */
	const char *name = ct_parent(parent, sizeof(parent), path);

	dir = open(parent, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return -errno;
	return ct_write_file_at(dir, name, ct_buf_text(text), text->len, 0640);
}

static int write_config(ct_container *c, const char *path, struct ct_err *e)
{
	CT_CLEAN_BUF struct ct_buf text = CT_BUF_INIT;
	int r = ct_config_print(c->config, true, &text);

	if (r >= 0)
		r = write_text(path, &text);
	if (r >= 0)
		return 0;
	ct_err_object(e, path);
	ct_err_hint(e, "its directory must exist and be writable for the caller");
	return ct_fail_sys(e, r, CT_ERR_CONFIG_FILE, "config", "openat",
			   "the config cannot be written");
}

CT_PUBLIC int ct_save_config(ct_container *c, const char *path)
{
	CT_RECORD(e);
	int r = ct_check_handle(c, &e);
	char *own = NULL;

	if (r >= 0 && !path && !c->name[0])
		r = ct_fail(&e, -EINVAL, CT_ERR_ARGUMENT, "config",
			    "an anonymous container has no config file");
	if (r >= 0 && !path) {
		path = own = ct_container_path(c, "config");
		if (!own)
			r = ct_oom(&e);
	}
	if (r >= 0)
		r = write_config(c, path, &e);
	free(own);
	return ct_done(c, &e, r);
}

CT_PUBLIC int ct_set_rootfs_fd(ct_container *c, int fd)
{
	CT_RECORD(e);
	struct stat st;
	int r = ct_check_handle(c, &e), copy = -1;

	if (r >= 0 && fd >= 0) {
		if (fstat(fd, &st) < 0)
			r = ct_fail_sys(&e, -errno, CT_ERR_DESCRIPTOR, "config", "fstat",
					"the root directory's descriptor %d is not open", fd);
		else if (!S_ISDIR(st.st_mode))
			r = ct_fail(&e, -ENOTDIR, CT_ERR_DESCRIPTOR, "config",
				    "descriptor %d is not a directory", fd);
		else if ((copy = ct_dup(fd)) < 0)
			r = ct_fail_sys(&e, copy, CT_ERR_DESCRIPTOR, "config", "fcntl",
					"descriptor %d cannot be duplicated", fd);
	}
	if (r >= 0) {
		ct_close(&c->rootfs_fd);
		c->rootfs_fd = copy;
	}
	return ct_done_change(c, &e, NULL, r);
}

#define MOUNT_FLAGS                                                                    \
	(CT_MOUNT_READONLY | CT_MOUNT_NOSUID | CT_MOUNT_NODEV | CT_MOUNT_NOEXEC |      \
	 CT_MOUNT_RECURSIVE | CT_MOUNT_CREATE | CT_MOUNT_OPTIONAL | CT_MOUNT_PRIVATE | \
	 CT_MOUNT_SLAVE | CT_MOUNT_SHARED | CT_MOUNT_UNBINDABLE)

static int has_dotdot(const char *path)
{
	for (const char *p = path; *p; p += strcspn(p, "/"), p += strspn(p, "/"))
		if (!strncmp(p, "..", 2) && (p[2] == '/' || !p[2]))
			return 1;
	return 0;
}

static int check_mount(const ct_mount *m, struct ct_err *e)
{
	uint64_t propagation = m->flags & (CT_MOUNT_PRIVATE | CT_MOUNT_SLAVE | CT_MOUNT_SHARED |
					   CT_MOUNT_UNBINDABLE);
	int fd = ct_given_fd(m->source_fd);

	if (!m->target || !m->target[strspn(m->target, "/")] || has_dotdot(m->target))
		return ct_fail(e, -EINVAL, CT_ERR_ARGUMENT, "config",
			       "a mount needs a target below the root, without \"..\"");
	if (propagation & (propagation - 1))
		return ct_fail(e, -EINVAL, CT_ERR_CONFLICT, "config",
			       "a mount has one propagation");
	if (m->fstype && fd >= 0)
		return ct_fail(e, -EINVAL, CT_ERR_CONFLICT, "config",
			       "a descriptor is bound; it is no source for a new %s", m->fstype);
	if (!m->fstype && m->options)
		return ct_fail(e, -EINVAL, CT_ERR_CONFLICT, "config",
			       "a bind mount has no options of a file system");
	if (!m->fstype && fd < 0 && (!m->source || *m->source != '/'))
		return ct_fail(e, -EINVAL, CT_ERR_ARGUMENT, "config",
			       "a bind mount needs a descriptor or an absolute path as its source");
	if (fd >= 0 && fcntl(fd, F_GETFD) < 0)
		return ct_fail_sys(e, -EBADF, CT_ERR_DESCRIPTOR, "config", "fstat",
				   "the source's descriptor %d is not open", fd);
	return 0;
}

/* A copy of s in *to; -ENOMEM. NULL stays NULL. */
static int copy_text(const char *s, char **to)
{
	*to = NULL;
	if (!s)
		return 0;
	*to = strdup(s);
	if (!*to)
		return -ENOMEM;
	return 0;
}

/* For CT_WEAK_SOURCE_STRING: the path of the descriptor instead. 0 or a negative errno. */
static int take_path(struct ct_extra_mount *x)
{
	char link[64], path[PATH_MAX];
	ssize_t n;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", x->fd);
	n = readlink(link, path, sizeof(path) - 1);
	if (n < 0)
		return -errno;
	path[n] = 0;
	ct_close(&x->fd);
	free(x->source);
	return copy_text(path, &x->source);
}

static int add_mount(ct_container *c, const ct_mount *m, struct ct_err *e)
{
	struct ct_extra_mount *bigger = realloc(c->mounts, (c->n_mounts + 1) * sizeof(*bigger)),
			      x = { .fd = -1, .flags = m->flags };
	int r, fd = ct_given_fd(m->source_fd);

	if (!bigger)
		return ct_oom(e);
	c->mounts = bigger;
	r = copy_text(m->source, &x.source) | copy_text(m->target, &x.target) |
	    copy_text(m->fstype, &x.fstype) | copy_text(m->options, &x.options);
	if (r >= 0 && fd >= 0)
		r = x.fd = ct_dup(fd);
	if (r >= 0 && fd >= 0 && ct_weak(CT_WEAK_SOURCE_STRING))
		r = take_path(&x);
	if (r < 0) {
		free(x.source);
		free(x.target);
		free(x.fstype);
		free(x.options);
		if (r == -ENOMEM)
			return ct_oom(e);
		return ct_fail_sys(e, r, CT_ERR_DESCRIPTOR, "config", "fcntl",
				   "descriptor %d cannot be duplicated", fd);
	}
	c->mounts[c->n_mounts++] = x;
	return 0;
}

CT_PUBLIC int ct_add_mount(ct_container *c, const ct_mount *mount)
{
	ct_mount m = CT_MOUNT_INIT;
	CT_RECORD(e);
	int r = ct_check_handle(c, &e);

	if (r >= 0 && !mount)
		r = ct_fail(&e, -EINVAL, CT_ERR_ARGUMENT, "config", "no mount");
	if (r >= 0)
		r = ct_take_opts(&m, sizeof(m), mount, offsetof(ct_mount, fstype), &m.flags,
				 MOUNT_FLAGS, &e);
	if (r >= 0)
		r = check_mount(&m, &e);
	if (r >= 0)
		r = add_mount(c, &m, &e);
	return ct_done_change(c, &e, NULL, r);
}
