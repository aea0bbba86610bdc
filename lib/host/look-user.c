/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Rows of the report: rights of this user, id ranges, directories. Files such as /etc/passwd are
 * read directly, without a name service. */
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <contain/contain.h>

#include "base/caps.h"
#include "base/num.h"
#include "host/look.h"

#define BIT(n) (UINT64_C(1) << (n))
#define MAX_FILE (4u << 20)

/* What is needed to make a container without a user namespace. */
#define CAPS_NEEDED                                                                  \
	(BIT(CAP_SYS_ADMIN) | BIT(CAP_SETPCAP) | BIT(CAP_SETUID) | BIT(CAP_SETGID) | \
	 BIT(CAP_MKNOD) | BIT(CAP_CHOWN))

/* Adds the names of the capabilities in `mask`. */
static void cap_names(struct ct_buf *out, uint64_t mask)
{
	const char *sep = "";

	for (int i = 0; i < 64; i++) {
		char name[CT_CAP_NAME_BYTES];
		const char *prefix = "cap_";

		if (!(mask & BIT(i)))
			continue;
		if (!strncmp(ct_cap_name((unsigned)i, name), prefix, strlen(prefix)))
			prefix = "";
		ct_buf_printf(out, "%s%s%s", sep, prefix, name);
		sep = " ";
	}
}

/* Whether this user may make user namespaces; `it` gets the reason of a no. */
static bool may_userns(const struct ct_look_facts *f, struct ct_look_item *it)
{
	bool root = f->host.cap_permitted & BIT(CAP_SYS_ADMIN);
	char text[32];

	if (!(f->host.namespaces & CT_NS_USER)) {
		ct_look_no(it, "use a kernel with them",
			   "the kernel was built without user namespaces");
		return false;
	}
	if (ct_host_read("/proc/sys/user/max_user_namespaces", text, sizeof(text)) > 0 &&
	    strcmp(text, "0") == 0) {
		ct_look_no(it, "raise sysctl user.max_user_namespaces",
			   "user.max_user_namespaces is 0");
		return false;
	}
	if (root)
		return true;
	if (ct_host_read("/proc/sys/kernel/unprivileged_userns_clone", text, sizeof(text)) > 0 &&
	    strcmp(text, "0") == 0) {
		ct_look_no(it, "set sysctl kernel.unprivileged_userns_clone to 1",
			   "only root may make them here");
		return false;
	}
	if (ct_host_read("/proc/sys/kernel/apparmor_restrict_unprivileged_userns", text,
			 sizeof(text)) > 0 &&
	    strcmp(text, "0") != 0) {
		ct_look_no(it,
			   "load an AppArmor profile with \"userns,\" for the program, or set "
			   "sysctl kernel.apparmor_restrict_unprivileged_userns to 0",
			   "AppArmor gives them no rights when an ordinary user makes them");
		return false;
	}
	return true;
}

/* Rights that a default container needs. */
void ct_look_rights(const struct ct_look_facts *f, uint64_t arg, struct ct_look_item *it)
{
	uint64_t lacking = CAPS_NEEDED & ~f->host.cap_permitted;
	CT_CLEAN_BUF struct ct_buf names = CT_BUF_INIT;

	(void)arg;
	ct_buf_printf(&it->value, "uid %u%s", f->host.uid,
		      f->host.initial_userns ? "" : " in a user namespace of its own");
	if (!lacking)
		return;
	cap_names(&names, lacking);
	ct_look_no(it, "run as root", "lacks %s", ct_buf_text(&names));
}

/* Capabilities that no process started from here can have. */
void ct_look_bounding(const struct ct_look_facts *f, uint64_t arg, struct ct_look_item *it)
{
	const char *hint = "no container can be given these";
	uint64_t lacking = ct_host_all_caps(&f->host) & ~f->host.cap_bounding;
	CT_CLEAN_BUF struct ct_buf names = CT_BUF_INIT;

	(void)arg;
	if (!lacking) {
		ct_buf_printf(&it->value, "all %u in the bounding set", f->host.cap_last + 1);
		return;
	}
	if (lacking & BIT(CAP_SYS_RESOURCE))
		hint = "no container can be given these; prlimit.* cannot raise a hard limit";
	cap_names(&names, lacking);
	ct_look_no(it, hint, "missing in the bounding set: %s", ct_buf_text(&names));
}

/* User namespaces for this user. */
void ct_look_userns(const struct ct_look_facts *f, uint64_t arg, struct ct_look_item *it)
{
	char text[32];

	(void)arg;
	if (may_userns(f, it) &&
	    ct_host_read("/proc/sys/user/max_user_namespaces", text, sizeof(text)) > 0)
		ct_buf_printf(&it->value, "at most %s", text);
}

/* Whether a line is of a mount that covers a part of /proc, in *point. Mounts of file systems that
 * belong there do not count. */
static bool covers_proc(const char *line, size_t n, struct ct_arena *a, const char **point)
{
	struct ct_mount_row m;

	if (!memmem(line, n, " /proc/", 7) || ct_mount_row_read(line, n, &m, a) <= 0 ||
	    strncmp(m.point, "/proc/", 6))
		return false;
	*point = m.point;
	return strcmp(m.type, "binfmt_misc") && strcmp(m.type, "autofs") &&
	       ct_mount_is_seen(m.point, m.id);
}

/* In a user namespace a procfs can only be mounted when the one here is fully visible. */
void ct_look_proc_whole(const struct ct_look_facts *f, uint64_t arg, struct ct_look_item *it)
{
	const char *s = ct_buf_text(&f->mountinfo), *line, *point;
	size_t n;

	(void)arg;
	while ((line = ct_look_line(&s, &n))) {
		if (!covers_proc(line, n, f->arena, &point))
			continue;
		ct_look_no(it, "start from a place where /proc is not covered",
			   "%s is covered by a mount, so the kernel refuses a new procfs in a user "
			   "namespace",
			   point);
		return;
	}
}

/* Cuts `line` at its first three colons, "NAME:PASSWORD:UID:". False: there are fewer. */
static bool find_colons(const char *line, size_t n, const char *colon[3])
{
	const char *p = line;

	for (int i = 0; i < 3; i++) {
		colon[i] = memchr(p, ':', n - (size_t)(p - line));
		if (!colon[i])
			return false;
		p = colon[i] + 1;
	}
	return true;
}

/* The name of a uid in /etc/passwd, "" when it is not there. */
static void user_name(uint32_t uid, char *out, size_t size)
{
	CT_CLEAN_BUF struct ct_buf passwd = CT_BUF_INIT;
	const char *s, *line, *colon[3];
	size_t n;

	out[0] = '\0';
	ct_look_slurp("/etc/passwd", MAX_FILE, &passwd);
	s = ct_buf_text(&passwd);
	while ((line = ct_look_line(&s, &n))) {
		char digits[16];
		uint32_t found;
		size_t len;

		if (!find_colons(line, n, colon))
			continue;
		len = (size_t)(colon[2] - colon[1] - 1);
		if (len >= sizeof(digits) || (size_t)(colon[0] - line) >= size)
			continue;
		memcpy(digits, colon[1] + 1, len);
		digits[len] = '\0';
		if (ct_parse_u32(digits, &found) < 0 || found != uid)
			continue;
		memcpy(out, line, (size_t)(colon[0] - line));
		out[colon[0] - line] = '\0';
		return;
	}
}

/* What differs between users and groups. */
static const struct id_kind {
	const char *file, *tool;
} users = { "/etc/subuid", "newuidmap" }, groups = { "/etc/subgid", "newgidmap" };

/* arg: 'u' or 'g'. */
static const struct id_kind *id_kind(uint64_t arg)
{
	if (arg == 'u')
		return &users;
	return &groups;
}

/* Adds the ranges of a line of /etc/subuid or /etc/subgid if its first field, the user, is one of
 * two names. */
static void add_range(const char *line, size_t n, const char *name, const char *uid,
		      struct ct_buf *out)
{
	const char *colon = memchr(line, ':', n);
	size_t own;

	if (!colon || colon == line)
		return;
	own = (size_t)(colon - line);
	if (!ct_look_word(line, own, "", name) && !ct_look_word(line, own, "", uid))
		return;
	if (out->len)
		ct_buf_char(out, ' ');
	ct_buf_printf(out, "%.*s", (int)(n - own - 1), colon + 1);
}

/* arg: 'u' or 'g'. Ranges of this user in /etc/subuid or /etc/subgid; both are by user. */
void ct_look_subid(const struct ct_look_facts *f, uint64_t arg, struct ct_look_item *it)
{
	const char *hint = "let root add a line such as NAME:100000:65536";
	char name[256];
	const char *file = id_kind(arg)->file, *s, *line, *who = name;
	CT_CLEAN_BUF struct ct_buf text = CT_BUF_INIT, uid = CT_BUF_INIT;
	size_t n;

	user_name(f->host.uid, name, sizeof(name));
	ct_buf_printf(&uid, "%u", f->host.uid);
	ct_look_slurp(file, MAX_FILE, &text);
	s = ct_buf_text(&text);
	while ((line = ct_look_line(&s, &n)))
		add_range(line, n, name, ct_buf_text(&uid), &it->value);
	if (it->value.len)
		return;
	if (!name[0])
		who = ct_buf_text(&uid);
	if (f->host.cap_permitted & BIT(CAP_SYS_ADMIN))
		hint = "root can use any range in idmap; this only keeps users apart";
	ct_look_no(it, hint, "%s has no range for %s", file, who);
}

/* arg: 'u' or 'g'. */
void ct_look_idmap_tool(const struct ct_look_facts *f, uint64_t arg, struct ct_look_item *it)
{
	static const char *const dirs[] = { "/usr/bin", "/bin", "/usr/local/bin",
					    "/run/wrappers/bin" };
	const char *tool = id_kind(arg)->tool;

	(void)f;
	for (size_t i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++) {
		CT_CLEAN_BUF struct ct_buf path = CT_BUF_INIT;

		ct_buf_printf(&path, "%s/%s", dirs[i], tool);
		if (access(ct_buf_text(&path), X_OK) != 0)
			continue;
		ct_buf_str(&it->value, ct_buf_text(&path));
		return;
	}
	ct_look_no(it, "an ordinary user needs it to use a range of ids (package uidmap)",
		   "%s is not installed", tool);
}

/* A directory by default: root's, and another user's, below what an environment variable names. */
static const struct default_place {
	const char *root, *variable, *below;
} state_place = { "/run/libcontain", "XDG_RUNTIME_DIR", "/libcontain" },
  container_place = { "/var/lib/libcontain", "HOME", "/.local/share/libcontain" };

/* The default directory of CT_DIR_*. False: the environment variable in *variable is not set. */
static bool default_directory(const struct ct_look_facts *f, uint64_t which, struct ct_buf *path,
			      const char **variable)
{
	const struct default_place *place = &container_place;
	const char *base;

	if (which == CT_DIR_STATE)
		place = &state_place;
	*variable = place->variable;
	if (f->host.uid == 0) {
		ct_buf_str(path, place->root);
		return true;
	}
	base = secure_getenv(*variable);
	if (!base || base[0] != '/')
		return false;
	ct_buf_printf(path, "%s%s", base, place->below);
	return true;
}

/* arg: CT_DIR_*. Whether the directory is writable, or can be made. */
void ct_look_directory(const struct ct_look_facts *f, uint64_t arg, struct ct_look_item *it)
{
	CT_CLEAN_BUF struct ct_buf path = CT_BUF_INIT;
	const char *variable;
	char *at, *slash;
	int err;

	if (!default_directory(f, arg, &path, &variable)) {
		ct_look_no(it,
			   "set it, or name a directory in the options of ct_new() (-P for the "
			   "tools)",
			   "%s is not set", variable);
		return;
	}
	ct_buf_str(&it->value, ct_buf_text(&path));
	if (ct_buf_error(&path))
		return;
	at = path.data;
	while (faccessat(AT_FDCWD, at, W_OK | X_OK, AT_EACCESS) < 0) {
		err = errno;
		slash = strrchr(at, '/');
		if (err == ENOENT && slash && slash != at) {
			*slash = '\0'; /* it will be made: check the directory above */
			continue;
		}
		ct_look_no(it, "name another directory in the options of ct_new()", "%s: %s", at,
			   ct_errno_text(err));
		return;
	}
}
