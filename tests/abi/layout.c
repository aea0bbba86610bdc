/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Prints size and offsets of what the public header lays down. */
#include <contain/contain.h>

#include <stdio.h>

#define STRUCT(t) printf("%s %zu\n", #t, sizeof(t))
#define FIELD(t, f) printf("\t%s.%s %zu %zu\n", #t, #f, offsetof(t, f), sizeof(((t *)0)->f))
#define NUMBER(n) printf("%s %lld\n", #n, (long long)(n))

static void errors(void)
{
	STRUCT(ct_error);
	FIELD(ct_error, size);
	FIELD(ct_error, err);
	FIELD(ct_error, id);
	FIELD(ct_error, line);
	FIELD(ct_error, step);
	FIELD(ct_error, message);
	FIELD(ct_error, where);
	FIELD(ct_error, step_name);
	FIELD(ct_error, backend);
	FIELD(ct_error, key);
	FIELD(ct_error, file);
	FIELD(ct_error, syscall_name);
	FIELD(ct_error, object);
	FIELD(ct_error, kernel);
	FIELD(ct_error, hint);
	FIELD(ct_error, more);
}

static void small(void)
{
	STRUCT(ct_new_opts);
	FIELD(ct_new_opts, flags);
	FIELD(ct_new_opts, dir);
	FIELD(ct_new_opts, state_dir);
	FIELD(ct_new_opts, error);
	STRUCT(ct_key_info);
	FIELD(ct_key_info, name);
	FIELD(ct_key_info, type);
	FIELD(ct_key_info, dflt);
	FIELD(ct_key_info, help);
	FIELD(ct_key_info, flags);
	STRUCT(ct_mount);
	FIELD(ct_mount, source_fd);
	FIELD(ct_mount, source);
	FIELD(ct_mount, target);
	FIELD(ct_mount, fstype);
	FIELD(ct_mount, options);
	FIELD(ct_mount, flags);
	STRUCT(ct_create_opts);
	FIELD(ct_create_opts, flags);
	FIELD(ct_create_opts, rootfs);
}

static void notify(void)
{
	STRUCT(ct_notify);
	FIELD(ct_notify, id);
	FIELD(ct_notify, pid);
	FIELD(ct_notify, nr);
	FIELD(ct_notify, arch);
	FIELD(ct_notify, flags);
	FIELD(ct_notify, ip);
	FIELD(ct_notify, args);
	FIELD(ct_notify, call);
}

static void starting(void)
{
	STRUCT(ct_start_opts);
	FIELD(ct_start_opts, flags);
	FIELD(ct_start_opts, argv);
	FIELD(ct_start_opts, envp);
	FIELD(ct_start_opts, stdio);
	FIELD(ct_start_opts, exec_fd);
	FIELD(ct_start_opts, keep_fds);
	FIELD(ct_start_opts, n_keep_fds);
	FIELD(ct_start_opts, rows);
	FIELD(ct_start_opts, cols);
	FIELD(ct_start_opts, reserved);
	FIELD(ct_start_opts, timeout_ms);
	FIELD(ct_start_opts, modes_fd);
}

static void entering(void)
{
	STRUCT(ct_attach_opts);
	FIELD(ct_attach_opts, flags);
	FIELD(ct_attach_opts, argv);
	FIELD(ct_attach_opts, envp);
	FIELD(ct_attach_opts, stdio);
	FIELD(ct_attach_opts, exec_fd);
	FIELD(ct_attach_opts, keep_fds);
	FIELD(ct_attach_opts, n_keep_fds);
	FIELD(ct_attach_opts, rows);
	FIELD(ct_attach_opts, cols);
	FIELD(ct_attach_opts, namespaces);
	FIELD(ct_attach_opts, uid);
	FIELD(ct_attach_opts, gid);
	FIELD(ct_attach_opts, groups);
	FIELD(ct_attach_opts, n_groups);
	FIELD(ct_attach_opts, user);
	FIELD(ct_attach_opts, cwd);
	FIELD(ct_attach_opts, caps);
	FIELD(ct_attach_opts, timeout_ms);
	FIELD(ct_attach_opts, modes_fd);
}

static void ending(void)
{
	STRUCT(ct_exit);
	FIELD(ct_exit, reason);
	FIELD(ct_exit, code);
	FIELD(ct_exit, signal);
	FIELD(ct_exit, core);
	FIELD(ct_exit, wall_us);
	FIELD(ct_exit, user_us);
	FIELD(ct_exit, system_us);
	FIELD(ct_exit, max_rss);
	FIELD(ct_exit, cpu_us);
	FIELD(ct_exit, memory_peak);
	FIELD(ct_exit, io_read);
	FIELD(ct_exit, io_written);
	FIELD(ct_exit, pids_peak);
	FIELD(ct_exit, oom_kills);
	FIELD(ct_exit, pids_refused);
	FIELD(ct_exit, output_error);
	FIELD(ct_exit, output_lost);
	FIELD(ct_exit, filter_call);
}

static void cgroups(void)
{
	STRUCT(ct_pressure);
	FIELD(ct_pressure, some_avg10);
	FIELD(ct_pressure, some_avg60);
	FIELD(ct_pressure, some_avg300);
	FIELD(ct_pressure, some_total_us);
	FIELD(ct_pressure, full_avg10);
	FIELD(ct_pressure, full_avg60);
	FIELD(ct_pressure, full_avg300);
	FIELD(ct_pressure, full_total_us);
	STRUCT(ct_usage);
	FIELD(ct_usage, memory);
	FIELD(ct_usage, memory_peak);
	FIELD(ct_usage, memory_limit);
	FIELD(ct_usage, memory_anon);
	FIELD(ct_usage, memory_file);
	FIELD(ct_usage, memory_kernel);
	FIELD(ct_usage, swap);
	FIELD(ct_usage, swap_limit);
	FIELD(ct_usage, memory_high_events);
	FIELD(ct_usage, memory_max_events);
	FIELD(ct_usage, oom_events);
	FIELD(ct_usage, oom_kills);
	FIELD(ct_usage, cpu_us);
	FIELD(ct_usage, cpu_user_us);
	FIELD(ct_usage, cpu_system_us);
	FIELD(ct_usage, cpu_periods);
	FIELD(ct_usage, cpu_throttled_periods);
	FIELD(ct_usage, cpu_throttled_us);
	FIELD(ct_usage, io_read);
	FIELD(ct_usage, io_written);
	FIELD(ct_usage, io_reads);
	FIELD(ct_usage, io_writes);
	FIELD(ct_usage, pids);
	FIELD(ct_usage, pids_peak);
	FIELD(ct_usage, pids_limit);
	FIELD(ct_usage, pids_refused);
	FIELD(ct_usage, cpu_pressure);
	FIELD(ct_usage, memory_pressure);
	FIELD(ct_usage, io_pressure);
	STRUCT(ct_event_opts);
	FIELD(ct_event_opts, flags);
	FIELD(ct_event_opts, window_us);
	FIELD(ct_event_opts, cpu_stall_us);
	FIELD(ct_event_opts, memory_stall_us);
	FIELD(ct_event_opts, io_stall_us);
	STRUCT(ct_event);
	FIELD(ct_event, type);
	FIELD(ct_event, resource);
	FIELD(ct_event, count);
}

static void flags(void)
{
	NUMBER(CT_LOG_ERROR);
	NUMBER(CT_LOG_WARN);
	NUMBER(CT_LOG_NOTICE);
	NUMBER(CT_LOG_INFO);
	NUMBER(CT_LOG_DEBUG);
	NUMBER(CT_LOG_TRACE);
	NUMBER(CT_KEY_LIST);
	NUMBER(CT_KEY_STORED_ONLY);
	NUMBER(CT_KEY_OURS);
	NUMBER(CT_FD_ZERO);
	NUMBER(CT_MOUNT_READONLY);
	NUMBER(CT_MOUNT_NOSUID);
	NUMBER(CT_MOUNT_NODEV);
	NUMBER(CT_MOUNT_NOEXEC);
	NUMBER(CT_MOUNT_RECURSIVE);
	NUMBER(CT_MOUNT_CREATE);
	NUMBER(CT_MOUNT_OPTIONAL);
	NUMBER(CT_MOUNT_PRIVATE);
	NUMBER(CT_MOUNT_SLAVE);
	NUMBER(CT_MOUNT_SHARED);
	NUMBER(CT_MOUNT_UNBINDABLE);
	NUMBER(CT_START_REAPER);
	NUMBER(CT_START_NO_REAPER);
	NUMBER(CT_START_NOWAIT);
	NUMBER(CT_START_NOTIFY);
	NUMBER(CT_NS_MNT);
	NUMBER(CT_NS_PID);
	NUMBER(CT_NS_UTS);
	NUMBER(CT_NS_IPC);
	NUMBER(CT_NS_USER);
	NUMBER(CT_NS_NET);
	NUMBER(CT_NS_CGROUP);
	NUMBER(CT_NS_TIME);
	NUMBER(CT_ATTACH_NOWAIT);
	NUMBER(CT_ATTACH_NOTIFY);
	NUMBER(CT_NOTIFY_ADD_CLOEXEC);
	NUMBER(CT_NOTIFY_ADD_ANSWER);
	NUMBER(CT_ABSENT);
	NUMBER(CT_STOP_NO_KILL);
	NUMBER(CT_STOP_KILL);
	NUMBER(CT_STOP_NO_WAIT);
	NUMBER(CT_CONSOLE_LOG_CLEAR);
	NUMBER(CT_DESTROY_FORCE);
	NUMBER(CT_LIST_DEFINED);
	NUMBER(CT_LIST_RUNNING);
	NUMBER(CT_FORMAT_TEXT);
	NUMBER(CT_FORMAT_JSON);
	NUMBER(CT_SEVERITY_LOW);
	NUMBER(CT_SEVERITY_MEDIUM);
	NUMBER(CT_SEVERITY_HIGH);
	NUMBER(CT_SEVERITY_CRITICAL);
}

int main(void)
{
	errors();
	small();
	starting();
	entering();
	ending();
	notify();
	cgroups();
	NUMBER(CT_START_DETACH);
	NUMBER(CT_START_PTY);
	NUMBER(CT_START_CLEAR_ENV);
	NUMBER(CT_START_EXECUTE);
	NUMBER(CT_START_NO_NEW_PRIVS);
	NUMBER(CT_ATTACH_PTY);
	NUMBER(CT_ATTACH_SET_UID);
	NUMBER(CT_ATTACH_SET_GID);
	NUMBER(CT_ATTACH_SET_GROUPS);
	NUMBER(CT_ATTACH_SET_CAPS);
	NUMBER(CT_ATTACH_NO_NEW_PRIVS);
	NUMBER(CT_ATTACH_CLEAR_ENV);
	NUMBER(CT_ATTACH_KEEP_ENV);
	NUMBER(CT_ATTACH_ELEVATED);
	NUMBER(CT_NS_ALL);
	NUMBER(CT_STATE_STOPPED);
	NUMBER(CT_STATE_STARTING);
	NUMBER(CT_STATE_RUNNING);
	NUMBER(CT_STATE_STOPPING);
	NUMBER(CT_STATE_FROZEN);
	NUMBER(CT_STATE_ABORTING);
	NUMBER(CT_EXIT_NONE);
	NUMBER(CT_EXIT_EXITED);
	NUMBER(CT_EXIT_SIGNALED);
	NUMBER(CT_EXIT_TIME);
	NUMBER(CT_EXIT_OUTPUT);
	NUMBER(CT_EXIT_STOPPED);
	NUMBER(CT_EXIT_REBOOT);
	NUMBER(CT_EXIT_HALT);
	NUMBER(CT_EXIT_LOST);
	NUMBER(CT_EXIT_MEMORY);
	NUMBER(CT_EXIT_PIDS);
	NUMBER(CT_EXIT_CPUTIME);
	NUMBER(CT_EXIT_FILTER);
	NUMBER(CT_EVENT_STARTED);
	NUMBER(CT_EVENT_EXITED);
	NUMBER(CT_EVENT_OOM);
	NUMBER(CT_EVENT_OOM_KILL);
	NUMBER(CT_EVENT_MEMORY_HIGH);
	NUMBER(CT_EVENT_PIDS_LIMIT);
	NUMBER(CT_EVENT_FROZEN);
	NUMBER(CT_EVENT_THAWED);
	NUMBER(CT_EVENT_EMPTY);
	NUMBER(CT_EVENT_PRESSURE);
	NUMBER(CT_RESOURCE_NONE);
	NUMBER(CT_RESOURCE_CPU);
	NUMBER(CT_RESOURCE_MEMORY);
	NUMBER(CT_RESOURCE_IO);
	flags();
	return 0;
}
