/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Talks to systemd by sd-bus of libsystemd, which is loaded only when a scope is asked for:
 * programs that use this library do not depend on it. The interface is that of
 * org.freedesktop.systemd1(5), the functions are those of sd-bus(3).
 */
#include "backend/cgroup/systemd.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/sys.h"
#include "host/cgroup.h"

#define LIBRARY "libsystemd.so.0"
#define SERVICE "org.freedesktop.systemd1"
#define OBJECT "/org/freedesktop/systemd1"
#define MANAGER "org.freedesktop.systemd1.Manager"
#define JOB_MS 20000 /* for systemd to make a scope */

struct sd_error { /* sd_bus_error */
	const char *name, *message;
	int need_free;
};

/* The functions of sd-bus that are used. */
struct bus_calls {
	int (*open_system)(void **bus);
	int (*open_user)(void **bus);
	void *(*close)(void *bus);
	int (*match)(void *bus, void **slot, const char *sender, const char *path,
		     const char *interface, const char *member,
		     int (*fn)(void *m, void *data, struct sd_error *e), void *data);
	int (*new_call)(void *bus, void **m, const char *to, const char *path,
			const char *interface, const char *member);
	int (*append)(void *m, const char *types, ...);
	int (*call)(void *bus, void *m, uint64_t us, struct sd_error *e, void **reply);
	int (*read)(void *m, const char *types, ...);
	int (*process)(void *bus, void **m);
	int (*wait)(void *bus, uint64_t us);
	void *(*unref)(void *m);
	void (*error_free)(struct sd_error *e);
};

static const char *const names[] = {
	"sd_bus_open_system",
	"sd_bus_open_user",
	"sd_bus_flush_close_unref",
	"sd_bus_match_signal",
	"sd_bus_message_new_method_call",
	"sd_bus_message_append",
	"sd_bus_call",
	"sd_bus_message_read",
	"sd_bus_process",
	"sd_bus_wait",
	"sd_bus_message_unref",
	"sd_bus_error_free",
};
_Static_assert(sizeof(struct bus_calls) == sizeof(names) / sizeof(*names) * sizeof(void *),
	       "one name for each call");

bool ct_systemd_usable(const char **why)
{
	struct stat st;

	*why = NULL;
	/* as sd_booted(3) does */
	if (lstat("/run/systemd/system", &st) < 0 || !S_ISDIR(st.st_mode))
		*why = "this host was not booted by systemd, so that there is no manager to ask";
	return !*why;
}

int ct_systemd_refuse(const char *why, struct ct_err *e)
{
	ct_err_hint(e,
		    "leave cgroup.backend to auto: the cgroup file systems can be used directly");
	return ct_fail(e, -EOPNOTSUPP, CT_ERR_CGROUP, "cgroup", "%s", why);
}

/* The library stays loaded: libsystemd does not support to be unloaded. */
static int load(struct bus_calls *b, struct ct_err *e)
{
	void *lib = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL), **at = (void **)b;

	if (!lib) {
		ct_err_object(e, LIBRARY);
		ct_err_hint(e, "install libsystemd0, or leave cgroup.backend to auto");
		return ct_fail(e, -EOPNOTSUPP, CT_ERR_CGROUP, "cgroup",
			       "the library that speaks to systemd cannot be loaded");
	}
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		at[i] = dlsym(lib, names[i]);
		if (at[i])
			continue;
		ct_err_object(e, names[i]);
		return ct_fail(e, -EOPNOTSUPP, CT_ERR_CGROUP, "cgroup",
			       "libsystemd is too old: it lacks a function");
	}
	return 0;
}

/* ---- the job --------------------------------------------------------------------------------- */

struct job {
	const struct bus_calls *b;
	char path[256];	 /* of the job; "": not known yet */
	char result[32]; /* "": it has not ended */
};

/* The signal JobRemoved(u id, o job, s unit, s result). */
static int on_removed(void *m, void *data, struct sd_error *unused)
{
	struct job *job = data;
	const char *path, *unit, *result;
	uint32_t id;

	(void)unused;
	if (job->b->read(m, "uoss", &id, &path, &unit, &result) < 0 || strcmp(path, job->path))
		return 0;
	snprintf(job->result, sizeof(job->result), "%s", result);
	return 0;
}

static int wait_for_job(void *bus, struct job *job, struct ct_err *e)
{
	int64_t until = ct_now_ms() + JOB_MS;

	while (!job->result[0]) {
		int64_t left = until - ct_now_ms();
		int r = job->b->process(bus, NULL);

		if (r == 0 && left <= 0)
			r = -ETIMEDOUT;
		else if (r == 0)
			r = job->b->wait(bus, (uint64_t)left * 1000);
		if (r < 0 && r != -EINTR)
			return ct_fail(e, r, CT_ERR_CGROUP, "cgroup",
				       "systemd does not say how the scope came out");
	}
	if (!strcmp(job->result, "done"))
		return 0;
	ct_err_object(e, job->result);
	return ct_fail(e, -EIO, CT_ERR_CGROUP, "cgroup", "systemd could not make the scope");
}

static int refused(const struct bus_calls *b, int r, struct sd_error *error,
		   const struct ct_scope *s, struct ct_err *e)
{
	ct_err_object(e, s->unit);
	if (error->message)
		ct_err_kernel(e, error->message);
	if (r == -EACCES || r == -EPERM)
		ct_err_hint(e, "start it as root, or from a session of a user (loginctl) whose own "
			       "manager it is to ask");
	ct_fail(e, r, CT_ERR_CGROUP, "cgroup", "systemd refuses the scope");
	b->error_free(error);
	return r;
}

static int begin(const struct bus_calls *b, void *bus, const struct ct_scope *s, struct job *job,
		 struct ct_err *e)
{
	struct sd_error error = { NULL, NULL, 0 };
	void *m = NULL, *reply = NULL;
	const char *path = "";
	int r = b->new_call(bus, &m, SERVICE, OBJECT, MANAGER, "StartTransientUnit");

	if (r >= 0)
		r = b->append(m, "ssa(sv)a(sa(sv))", s->unit, "fail", 6, "Description", "s",
			      s->description, "Slice", "s", s->slice, "Delegate", "b", 1,
			      "CollectMode", "s", "inactive-or-failed", "DefaultDependencies", "b",
			      0, "PIDs", "au", 1, (uint32_t)s->pid, 0);
	if (r >= 0)
		r = b->call(bus, m, JOB_MS * UINT64_C(1000), &error, &reply);
	if (r >= 0)
		r = b->read(reply, "o", &path);
	if (r < 0)
		r = refused(b, r, &error, s, e);
	else if ((size_t)snprintf(job->path, sizeof(job->path), "%s", path) >= sizeof(job->path))
		r = ct_fail(e, -EPROTO, CT_ERR_CGROUP, "cgroup", "systemd's answer makes no sense");
	if (m)
		b->unref(m);
	if (reply)
		b->unref(reply);
	return r;
}

/* The cgroup of a process in version 2's hierarchy. */
static int find_group(pid_t pid, char *path, size_t size, struct ct_err *e)
{
	CT_CLEAN_BUF struct ct_buf text = CT_BUF_INIT;
	char file[40];
	const char *at;
	int r;

	snprintf(file, sizeof(file), "/proc/%d/cgroup", (int)pid);
	r = ct_buf_read_at(&text, AT_FDCWD, file, 1 << 16);
	if (r < 0)
		return ct_fail_sys(e, r, CT_ERR_CGROUP, "cgroup", "open",
				   "the scope's group cannot be found");
	at = ct_cg_v2_path(ct_buf_text(&text));
	if (!at || *at != '/' || strcspn(at, "\n") >= size)
		return ct_fail(e, -EPROTO, CT_ERR_CGROUP, "cgroup",
			       "the scope's group cannot be found");
	snprintf(path, size, "%.*s", (int)strcspn(at, "\n"), at);
	return 0;
}

bool ct_systemd_reachable(void)
{
	struct bus_calls b;
	const char *why;
	void *bus = NULL;

	if (!ct_systemd_usable(&why) || load(&b, NULL) < 0 || b.open_system(&bus) < 0)
		return false;
	b.close(bus);
	return true;
}

static int open_bus(const struct bus_calls *b, bool of_user, void **bus, struct ct_err *e)
{
	int r;

	if (of_user)
		r = b->open_user(bus);
	else
		r = b->open_system(bus);
	if (r >= 0)
		return 0;
	if (of_user)
		ct_err_hint(e, "log in with a session: XDG_RUNTIME_DIR or DBUS_SESSION_BUS_ADDRESS "
			       "names its bus");
	else
		ct_err_hint(e, "is dbus running?");
	return ct_fail(e, r, CT_ERR_CGROUP, "cgroup", "systemd's bus cannot be reached");
}

int ct_systemd_scope(const struct ct_scope *s, char *path, size_t size, struct ct_err *e)
{
	struct bus_calls b;
	struct job job = { .b = &b };
	const char *why;
	void *bus = NULL;
	int r;

	if (!ct_systemd_usable(&why))
		return ct_systemd_refuse(why, e);
	r = load(&b, e);
	if (r < 0)
		return r;
	r = open_bus(&b, s->of_user, &bus, e);
	if (r < 0)
		return r;
	/* before the call: the job may have ended when its reply is read */
	r = b.match(bus, NULL, SERVICE, OBJECT, MANAGER, "JobRemoved", on_removed, &job);
	if (r < 0)
		ct_fail(e, r, CT_ERR_CGROUP, "cgroup", "systemd's word cannot be listened to");
	else
		r = begin(&b, bus, s, &job, e);
	if (r >= 0)
		r = wait_for_job(bus, &job, e);
	b.close(bus);
	if (r < 0)
		return r;
	return find_group(s->pid, path, size, e);
}
