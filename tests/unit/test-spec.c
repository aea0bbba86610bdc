/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The typed spec: defaults, values, mounts, what is noted as not honoured yet. (Refusals
 * are in mistakes.def.) */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <linux/capability.h>
#include <linux/mount.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/personality.h>
#include <sys/resource.h>

#include <contain/contain.h>

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "model.h"

static void test_defaults(void **state)
{
	CLEAN_BOX struct box b = box_of("");
	const struct ct_spec *s = b.spec;

	(void)state;
	assert_int_equal(s->init_cmd.n, 1);
	assert_string_equal(s->init_cmd.v[0], "/sbin/init");
	assert_int_equal(s->execute_cmd.n, 0);
	assert_true(s->autodev && s->keyring_session && s->rootfs_managed);
	assert_false(s->keyring_set || s->arch_set || s->mount_auto_set || s->cap_drop_set ||
		     s->ns_clone_set || s->pdeath_set);
	assert_false(s->no_new_privs || s->rootfs_readonly || s->ephemeral || s->sched_core);
	assert_int_equal(s->autodev_size, 500000);
	assert_int_equal(s->pty_max, 1024);
	assert_int_equal(s->tty_max, 0);
	assert_int_equal(s->pdeath, SIGKILL);
	assert_int_equal(s->signal_halt, 0);
	assert_int_equal(s->log_level, CT_LOG_ERROR);
	assert_int_equal(s->rootfs_fd, -1);
	assert_true(s->cap_keep == CT_CAP_MASK_UNSET);
	assert_true(s->cap_drop == 0);
	assert_int_equal(s->limit_time_us, 0);
	assert_null(s->rootfs_path);
	assert_int_equal(s->unsupported.n, 0);
	assert_null(ct_spec_origin(s, "init.cmd"));
}

static void test_scalars(void **state)
{
	CLEAN_BOX struct box b = box_of("arch = i686\ninit.cmd = \"/bin/sh\" -c 'echo \"a b\" c' "
					"x\"y z\"w ''\ninit.uid = 7\nuts.name = web\n"
					"uts.domain = d\n"
					"signal.halt = SIGRTMIN+3\nsignal.stop = 15\n"
					"monitor.signal.pdeath = 0\ntime.offset.boot = -30m\n"
					"time.offset.monotonic = 0\nlimit.time = 1.5s\n"
					"limit.output = 2K\nconsole.buffer.size = 5000\n"
					"console.logfile = /var/log/x\nconsole.size = auto\n"
					"autodev = off\nlog.level = 1\nrootfs.path = dir:/srv/x\n"
					"keyring.session = 0\n");
	const struct ct_spec *s = b.spec;

	(void)state;
	assert_true(s->arch_set && s->personality == PER_LINUX32);
	/* the quotes around the first word are no pair around the value */
	assert_int_equal(s->init_cmd.n, 5);
	assert_string_equal(s->init_cmd.v[0], "/bin/sh");
	assert_string_equal(s->init_cmd.v[2], "echo \"a b\" c");
	assert_string_equal(s->init_cmd.v[3], "xy zw");
	assert_string_equal(s->init_cmd.v[4], "");
	assert_int_equal(s->init_uid, 7);
	assert_string_equal(s->uts_name, "web");
	assert_string_equal(s->uts_domain, "d");
	assert_int_equal(s->signal_halt, 37);
	assert_int_equal(s->signal_stop, SIGTERM);
	assert_true(s->pdeath_set && s->pdeath == 0);
	assert_true(s->time_boot_set && s->time_boot_ns == -1800000000000);
	assert_true(s->time_monotonic_set && s->time_monotonic_ns == 0);
	assert_int_equal(s->limit_time_us, 1500000);
	assert_int_equal(s->limit_output, 2048);
	assert_int_equal(s->console_buffer_size, 8192);
	assert_int_equal(s->console_size, 131072);
	assert_false(s->autodev);
	assert_int_equal(s->log_level, CT_LOG_DEBUG);
	assert_string_equal(s->rootfs_path, "/srv/x");
	assert_null(s->rootfs_backend);
	assert_true(s->keyring_set && !s->keyring_session);
	assert_int_equal(ct_spec_origin(s, "init.uid")->line, 3);
	assert_string_equal(ct_spec_origin(s, "init.uid")->file, "c");
}

/* Of test_list_values(): namespaces, maps, groups and hooks. */
static void check_others(const struct ct_spec *s)
{
	assert_int_equal(s->ns_share.n, 2);
	assert_int_equal(s->ns_share.v[0].ns, CT_NS_NET);
	assert_string_equal(s->ns_share.v[0].with, "c1");
	assert_int_equal(s->idmap.n, 2);
	assert_true(s->idmap.v[1].group && s->idmap.v[1].outside == 200000 &&
		    s->idmap.v[1].count == 20);
	assert_int_equal(s->group.n, 3);
	assert_int_equal(s->hook[CT_HOOK_START].n, 2);
	assert_int_equal(s->hook[CT_HOOK_START].v[0].argv.n, 2);
	assert_string_equal(s->hook[CT_HOOK_START].v[0].argv.v[1], "b c");
	assert_int_equal(s->hook[CT_HOOK_POST_STOP].v[0].at.line, 18);
}

static void test_list_values(void **state)
{
	CLEAN_BOX struct box b = box_of("init.groups = 5,6\ninit.groups = 7\nenvironment = A=1\n"
					"environment = PATH\nenvironment = A=x=y\n"
					"prlimit.nofile = 10:unlimited\nprlimit.core = 0\n"
					"sysctl.kernel.sem = 1 2\nproc.oom_score_adj = -5\n"
					"namespace.share.network = c1\nnamespace.share.pid = 42\n"
					"idmap = u 0 100000 10\nidmap = g 0 200000 20\n"
					"group = a b\ngroup = c\nhook.start = /bin/a 'b c'\n"
					"hook.start = /bin/d\nhook.post-stop = /bin/e\n");
	const struct ct_spec *s = b.spec;

	(void)state;
	assert_int_equal(s->init_groups.n, 3);
	assert_int_equal(s->init_groups.v[2].id, 7);
	assert_int_equal(s->init_groups.v[2].at.line, 2);
	assert_int_equal(s->environment.n, 2);
	assert_string_equal(s->environment.v[0].value, "x=y");
	assert_int_equal(s->environment.v[0].at.line, 5);
	assert_null(s->environment.v[1].value);
	assert_int_equal(s->prlimit.n, 2);
	assert_int_equal(s->prlimit.v[0].resource, RLIMIT_NOFILE);
	assert_int_equal(s->prlimit.v[0].soft, 10);
	assert_true(s->prlimit.v[0].hard == UINT64_MAX);
	assert_string_equal(s->sysctl.v[0].name, "kernel.sem");
	assert_string_equal(s->proc.v[0].value, "-5");
	check_others(s);
}

static void test_masks(void **state)
{
	CLEAN_BOX struct box drop = box_of("cap.drop = chown\ncap.drop = kill CAP_MKNOD\n"
					   "namespace.keep = user\nnamespace.keep = NET\n");
	CLEAN_BOX struct box keep = box_of("cap.keep = chown\ncap.keep = none kill\n");
	CLEAN_BOX struct box none = box_of("cap.keep = none\n");
	CLEAN_BOX struct box cleared = box_of("cap.keep = none\ncap.keep =\ncap.drop = chown\n"
					      "cap.drop =\n");

	(void)state;
	assert_true(drop.spec->cap_drop == (UINT64_C(1) << CAP_CHOWN | UINT64_C(1) << CAP_KILL |
					    UINT64_C(1) << CAP_MKNOD));
	assert_true(drop.spec->cap_drop_set && drop.spec->cap_keep == CT_CAP_MASK_UNSET);
	assert_int_equal(drop.spec->ns_keep, CT_NS_USER | CT_NS_NET);
	assert_true(drop.spec->ns_keep_set && !drop.spec->ns_clone_set);
	assert_true(keep.spec->cap_keep == UINT64_C(1) << CAP_KILL);
	assert_true(none.spec->cap_keep == 0);
	assert_true(cleared.spec->cap_keep == CT_CAP_MASK_UNSET && !cleared.spec->cap_drop_set);
}

/* Each set has a field of its own; what the kernel has beyond the names goes by its number. */
static void test_cap_sets(void **state)
{
	CLEAN_BOX struct box b = box_of("cap.bounding = chown 5 cap_41 CAP_62\n"
					"cap.permitted = chown 41\ncap.effective = none\n"
					"cap.inheritable = kill cap_0\ncap.ambient = chown\n");
	CLEAN_BOX struct box none = box_of("");
	const struct ct_spec *s = b.spec;

	(void)state;
	assert_true(s->cap_bounding ==
		    (UINT64_C(1) | 1 << CAP_KILL | UINT64_C(1) << 41 | UINT64_C(1) << 62));
	assert_true(s->cap_permitted == (UINT64_C(1) | UINT64_C(1) << 41));
	assert_true(s->cap_effective == 0);
	assert_true(s->cap_inheritable == (1 << CAP_KILL | 1));
	assert_true(s->cap_ambient == 1);
	s = none.spec;
	assert_true((s->cap_bounding & s->cap_permitted & s->cap_effective & s->cap_inheritable &
		     s->cap_ambient) == CT_CAP_MASK_UNSET);
}

/* Of test_mounts(): the last three. */
static void check_options(const struct ct_mounts *m)
{
	assert_string_equal(m->v[2].source, "/a b");
	assert_string_equal(m->v[2].target, "srv/rootless");
	assert_true(m->v[2].relative && m->v[2].bind && !m->v[2].recursive);
	assert_int_equal(m->v[2].attr_clear, MOUNT_ATTR_RDONLY);
	/* options are compared whole: "bindx" is no bind and "create-me" no create */
	assert_false(m->v[3].bind);
	assert_int_equal(m->v[3].create, CT_CREATE_NO);
	assert_string_equal(m->v[3].data, "mode=755,bindx,create-me");
	assert_int_equal(m->v[3].attr_set, MOUNT_ATTR_NOATIME | MOUNT_ATTR_NOSUID);
	assert_int_equal(m->v[3].attr_clear,
			 MOUNT_ATTR_RDONLY | MOUNT_ATTR__ATIME | MOUNT_ATTR_NODEV);
	assert_string_equal(m->v[4].fstype, "proc");
}

static void test_mounts(void **state)
{
	CLEAN_BOX struct box b = box_of("rootfs.path = /srv//root/\nmount.entry = /data "
					"//srv/root/./mnt// none "
					"rbind,ro,optional,create=file,rslave 0 0\n"
					"mount.tmpfs = /tmp size=1m,noexec\n"
					"mount.entry = /a\\040b /srv/rootless none "
					"bind,relative,rw\n"
					"mount.entry = tmpfs run tmpfs "
					"ro,rw,noatime,dev,mode=755,bindx,create-me,nosuid 0 0\n"
					"mount.entry = none proc proc\n");
	const struct ct_mounts *m = &b.spec->mounts;

	(void)state;
	assert_int_equal(m->n, 5);
	assert_string_equal(m->v[0].source, "/data");
	assert_string_equal(m->v[0].target, "mnt");
	assert_null(m->v[0].fstype);
	assert_null(m->v[0].data);
	assert_true(m->v[0].bind && m->v[0].recursive && m->v[0].optional && !m->v[0].relative);
	assert_int_equal(m->v[0].create, CT_CREATE_FILE);
	assert_int_equal(m->v[0].attr_set, MOUNT_ATTR_RDONLY);
	assert_true(m->v[0].propagation == MS_SLAVE && m->v[0].propagation_recursive);
	assert_int_equal(m->v[0].source_fd, -1);
	assert_int_equal(m->v[0].at.line, 2);
	assert_string_equal(m->v[1].target, "tmp");
	assert_string_equal(m->v[1].fstype, "tmpfs");
	assert_string_equal(m->v[1].data, "size=1m");
	assert_int_equal(m->v[1].attr_set,
			 MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC);
	assert_int_equal(m->v[1].create, CT_CREATE_DIR);
	check_options(m);
}

static void test_fstab(void **state)
{
	char text[500];

	(void)state;
	snprintf(text, sizeof(text),
		 "mount.entry = /z z none bind\nrootfs.path = /srv/root\n"
		 "mount.fstab = %s/tests/data/lxc/fstab\n",
		 getenv("CT_SOURCE"));
	{
		CLEAN_BOX struct box b = box_of(text);
		const struct ct_mounts *m = &b.spec->mounts;

		assert_int_equal(m->n, 4);
		assert_string_equal(m->v[0].target, "srv/data");
		assert_string_equal(m->v[0].at.key, "mount.fstab");
		assert_int_equal(m->v[0].at.line, 2);
		assert_non_null(strstr(m->v[0].at.file, "/fstab"));
		assert_string_equal(m->v[1].target, "var/cache");
		assert_int_equal(m->v[1].at.line, 4);
		assert_string_equal(m->v[2].source, "/with blank");
		assert_string_equal(m->v[2].target, "mnt/a b");
		assert_string_equal(m->v[3].target, "z");
	}
}

static void test_fstab_mistake(void **state)
{
	char path[] = "/tmp/ct-test-fstab.XXXXXX", text[100], want[200];
	CT_CLEAN_CONFIG struct ct_config *c = NULL;
	CT_CLEAN_ARENA struct ct_arena *a = ct_arena_new();
	FILE *f = fdopen(mkstemp(path), "w");
	struct ct_err e;

	(void)state;
	fputs("# one\nproc proc proc\n/a b none bind,nodata\n", f);
	fclose(f);
	snprintf(text, sizeof(text), "mount.fstab = %s\n", path);
	c = config_of(text);
	ct_err_clear(&e);
	assert_null(ct_spec_read(c, a, &e));
	snprintf(want, sizeof(want),
		 "mount.fstab (%s:3): \"nodata\": a bind mount has no options "
		 "of a file system. Hint: they "
		 "belong to the mount that the source is on",
		 path);
	assert_string_equal(e.message, want);
	remove(path);
}

static void test_auto(void **state)
{
	CLEAN_BOX struct box b = box_of("mount.auto = proc cgroup:mixed sys:ro\n"
					"mount.auto = proc:rw cgroup2:ro:force\n"
					"mount.auto = shmounts:/run/shm\n");
	const struct ct_mount_auto *m = &b.spec->mount_auto;

	(void)state;
	assert_true(b.spec->mount_auto_set);
	assert_int_equal(m->proc, CT_AUTO_RW);
	assert_int_equal(m->sys, CT_AUTO_RO);
	assert_string_equal(m->cgroup, "cgroup2:ro:force");
	assert_true(m->cgroup_kind == CT_AUTO_CGROUP2 && m->cgroup_mode == CT_AUTO_RO &&
		    m->cgroup_force);
	assert_string_equal(m->shm_host, "/run/shm");
	assert_string_equal(m->shm_target, "/dev/.lxc-mounts");
}

struct cgroup_word {
	const char *text;
	uint8_t kind, mode;
	bool force;
};

static void test_auto_cgroup(void **state)
{
	static const struct cgroup_word words[] = {
		{ "proc", CT_AUTO_CGROUP_NONE, CT_AUTO_NO, false },
		{ "cgroup", CT_AUTO_CGROUP, CT_AUTO_NO, false },
		{ "cgroup:ro", CT_AUTO_CGROUP, CT_AUTO_RO, false },
		{ "cgroup:mixed:force", CT_AUTO_CGROUP, CT_AUTO_MIXED, true },
		{ "cgroup:force", CT_AUTO_CGROUP, CT_AUTO_NO, true },
		{ "cgroup-full:rw", CT_AUTO_CGROUP_FULL, CT_AUTO_RW, false },
		{ "cgroup-full:force", CT_AUTO_CGROUP_FULL, CT_AUTO_NO, true },
		{ "cgroup2", CT_AUTO_CGROUP2, CT_AUTO_NO, false },
		{ "cgroup2:ro:force", CT_AUTO_CGROUP2, CT_AUTO_RO, true },
		/* the last word counts, with all that it says */
		{ "cgroup2:ro:force cgroup:mixed", CT_AUTO_CGROUP, CT_AUTO_MIXED, false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
		char text[100];

		snprintf(text, sizeof(text), "mount.auto = %s\n", words[i].text);
		CLEAN_BOX struct box b = box_of(text);
		const struct ct_mount_auto *m = &b.spec->mount_auto;

		assert_true(m->cgroup_kind == words[i].kind && m->cgroup_mode == words[i].mode &&
			    m->cgroup_force == words[i].force);
		assert_true(!m->cgroup == !m->cgroup_kind);
	}
}

/* Of test_cgroups(): files, rules and limits. */
static void check_cgroup_files(const struct ct_spec *s)
{
	assert_int_equal(s->cgroup1.n, 1);
	assert_string_equal(s->cgroup1.v[0].file, "cpu.shares");
	assert_string_equal(s->cgroup1.v[0].value, "512");
	assert_int_equal(s->cgroup2.n, 2);
	assert_true(s->cgroup2.v[0].tried && !s->cgroup2.v[1].tried);
	assert_string_equal(s->cgroup2.v[0].value, "64M");
	assert_int_equal(s->cgroup2.v[1].at.line, 9);
	assert_int_equal(s->devrules.n, 2);
	assert_true(!s->devrules.v[0].allow && s->devrules.v[0].version == 1);
	assert_true(s->devrules.v[1].allow && s->devrules.v[1].version == 2);
	assert_true(s->limit_cputime_us == 1500000 && s->limit_cputime_tried);
	assert_true(s->devices_set && s->devices_tried);
	assert_string_equal(s->devices_preset, "none");
	assert_int_equal(s->unsupported.n, 0);
}

static void test_cgroups(void **state)
{
	CLEAN_BOX struct box none = box_of("");
	CLEAN_BOX struct box b = box_of("cgroup.backend = v2\ncgroup.relative = 1\n"
					"cgroup.pattern = lxc.payload/%n\n"
					"cgroup.dir.container = web/payload\n"
					"cgroup.dir.container.inner = inner\n"
					"cgroup.dir.monitor = web/monitor\n"
					"cgroup.cpu.shares = 512\ncgroup2.memory.max = try:64M\n"
					"cgroup2.memory.high = 1M\ncgroup.devices.deny = a\n"
					"cgroup2.devices.allow = c 1:3 rwm\n"
					"limit.cputime = try:1.5s\nlimit.devices = try:none\n");
	const struct ct_spec *s = b.spec;

	(void)state;
	assert_true(none.spec->cgroup_backend == CT_CGB_AUTO && !none.spec->cgroup_backend_set &&
		    !none.spec->cgroup_relative);
	assert_string_equal(none.spec->cgroup_pattern, "ct.payload.%n");
	assert_true(!none.spec->cglimits.n && !none.spec->cgroup1.n && !none.spec->cgroup2.n &&
		    !none.spec->devrules.n);
	assert_true(!none.spec->cgroup_dir && !none.spec->devices_set &&
		    !none.spec->limit_cputime_us);
	assert_true(s->cgroup_backend == CT_CGB_V2 && s->cgroup_backend_set && s->cgroup_relative);
	assert_string_equal(s->cgroup_pattern, "lxc.payload/%n");
	assert_string_equal(s->cgroup_dir_container, "web/payload");
	assert_string_equal(s->cgroup_dir_inner, "inner");
	assert_string_equal(s->cgroup_dir_monitor, "web/monitor");
	check_cgroup_files(s);
}

/* Without a cgroup only what a start may do without, or what asks for nothing, goes. */
static void test_no_cgroup(void **state)
{
	CLEAN_BOX struct box b = box_of("cgroup.backend = none\nlimit.memory = try:1G\n"
					"limit.pids = max\nlimit.cputime = try:1s\n"
					"cgroup2.memory.max = try:1G\nlimit.devices = try:none\n"
					"cgroup2.devices.allow = c 1:3 rwm\n"
					"cgroup.relative = 1\n");

	(void)state;
	assert_int_equal(b.spec->cgroup_backend, CT_CGB_NONE);
}

/* Names of what a start would have to refuse. */
static void check_unsupported(const char *text, const char *want)
{
	CLEAN_BOX struct box b = box_of(text);
	CT_CLEAN_BUF struct ct_buf got = CT_BUF_INIT;

	for (uint32_t i = 0; i < b.spec->unsupported.n; i++)
		ct_buf_printf(&got, "%s:%d ", b.spec->unsupported.v[i].at.key,
			      b.spec->unsupported.v[i].at.line);
	assert_string_equal(ct_buf_text(&got), want);
}

static void test_unsupported(void **state)
{
	(void)state;
	check_unsupported("cgroup.dir.monitor.pivot = x\nnet.0.type = veth\n"
			  "monitor.unshare = 1\n",
			  "cgroup.dir.monitor.pivot:1 net.0.type:2 monitor.unshare:3 ");
	/* what asks for nothing, or is for someone else, is no reason to refuse */
	check_unsupported("seccomp.allow_nesting = 1\n"
			  "monitor.unshare = 0\ncgroup.relative = 1\nstart.auto = 1\n"
			  "log.syslog = daemon\n"
			  "group = a\n",
			  "");
	check_unsupported("monitor.unshare = 1\n", "monitor.unshare:1 ");
	/* the order of a network's keys does not matter */
	check_unsupported("net.0.link = br0\nnet.0.type = veth\nnet.1.flags = up\n"
			  "net.1.type = empty\n",
			  "net.0.link:1 net.0.type:2 ");
	check_unsupported("net.1.type = empty\nnet.10.type = veth\nnet.10.mtu = 1500\n"
			  "net.1.mtu = 1500\n",
			  "net.10.type:2 net.10.mtu:3 ");
	check_unsupported("net.0.type = none\nnet.0.flags = up\n", "");
	check_unsupported("rootfs.path = overlay:/a:/b\n", "rootfs.path:1 ");
	check_unsupported("rootfs.options = idmap=container\n", "rootfs.options:1 ");
	check_unsupported("mount.entry = /a b none bind,idmap=container\n", "mount.entry:1 ");
}

static void test_sysctl_homes(void **state)
{
	CLEAN_BOX struct box own = box_of("sysctl.net.core.somaxconn = 1\n"
					  "sysctl.fs.mqueue.msg_max = 5\nsysctl.kernel.sem = 1\n"
					  "sysctl.kernel.domainname = x\n");
	CLEAN_BOX struct box only =
		box_of("namespace.clone = net\nsysctl.net.core.somaxconn = 1\n");
	CLEAN_BOX struct box user = box_of("idmap = u 0 1 1\nidmap = g 0 1 1\n"
					   "sysctl.user.max_net_namespaces = 1\n");

	(void)state;
	assert_int_equal(own.spec->sysctl.n, 4);
	assert_int_equal(only.spec->sysctl.n, 1);
	assert_int_equal(user.spec->sysctl.n, 1);
}

/* The spec stands on its own: it can be read on after the config has changed. */
static void test_outlives_config(void **state)
{
	CLEAN_BOX struct box b = box_of("uts.name = web\nmount.entry = /a b none bind\n"
					"environment = A=1\nsysctl.net.x = 1\n");
	struct ct_err e;

	(void)state;
	ct_err_clear(&e);
	assert_int_equal(ct_config_clear(b.config, NULL, &e), 0);
	ct_config_free(b.config);
	b.config = NULL;
	assert_string_equal(b.spec->uts_name, "web");
	assert_string_equal(b.spec->mounts.v[0].at.key, "mount.entry");
	assert_string_equal(b.spec->mounts.v[0].at.file, "c");
	assert_string_equal(b.spec->environment.v[0].value, "1");
	assert_string_equal(b.spec->sysctl.v[0].name, "net.x");
	assert_string_equal(ct_spec_origin(b.spec, "uts.name")->key, "uts.name");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_scalars),
		cmocka_unit_test(test_list_values),
		cmocka_unit_test(test_masks),
		cmocka_unit_test(test_cap_sets),
		cmocka_unit_test(test_mounts),
		cmocka_unit_test(test_fstab),
		cmocka_unit_test(test_fstab_mistake),
		cmocka_unit_test(test_auto),
		cmocka_unit_test(test_unsupported),
		cmocka_unit_test(test_auto_cgroup),
		cmocka_unit_test(test_cgroups),
		cmocka_unit_test(test_no_cgroup),
		cmocka_unit_test(test_sysctl_homes),
		cmocka_unit_test(test_outlives_config),
	};

	return cmocka_run_group_tests_name("spec", tests, NULL, NULL);
}
