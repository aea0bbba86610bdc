/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One end of a hidden channel between two containers, static.
 *
 *   channel send NAME WORD      leaves the word, or a sign, "ready", and goes on until end of input
 *   channel receive NAME WORD   "heard", or "silent" and the errno of the last call
 *
 * Locks and events are those of /dev/null, or of a file that is named as one more argument.
 */
#include <errno.h>
#include <fcntl.h>
#include <mqueue.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/prctl.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <netinet/in.h>
#include <unistd.h>

#define LISTENS_MS 200
#define SPEC_USER (-4L)
#define KEYCTL_SEARCH 10
#define KEYCTL_GET_PERSISTENT 22
#define AF_VSOCK_ 40

struct vsock_address {
	uint16_t family, reserved;
	uint32_t port, cid;
	uint8_t zero[4];
};

static char word[32], name[64];
static int key_number;

/* ---- named objects --------------------------------------------------------------------------- */

static socklen_t abstract_name(struct sockaddr_un *un)
{
	memset(un, 0, sizeof(*un));
	un->sun_family = AF_UNIX;
	memcpy(un->sun_path + 1, name, strlen(name));
	return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + strlen(name));
}

static int abstract_send(void)
{
	struct sockaddr_un un;
	socklen_t n = abstract_name(&un);
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	return bind(fd, (struct sockaddr *)&un, n) || listen(fd, 4);
}

static int abstract_hear(void)
{
	struct sockaddr_un un;
	socklen_t n = abstract_name(&un);

	return connect(socket(AF_UNIX, SOCK_STREAM, 0), (struct sockaddr *)&un, n) == 0;
}

static int tcp(int (*call)(int, const struct sockaddr *, socklen_t))
{
	struct sockaddr_in in = { .sin_family = AF_INET };
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	in.sin_port = htons((uint16_t)(20000 + key_number % 20000));
	in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (call(fd, (struct sockaddr *)&in, sizeof(in)))
		return -1;
	return listen(fd, 4) && errno != EINVAL;
}

static int tcp_send(void)
{
	return tcp(bind);
}

static int tcp_hear(void)
{
	return tcp(connect) >= 0;
}

static int vsock(int (*call)(int, const struct sockaddr *, socklen_t))
{
	struct vsock_address a = { .family = AF_VSOCK_, .cid = 1 };

	a.port = 20000 + (uint32_t)key_number;
	return call(socket(AF_VSOCK_, SOCK_STREAM, 0), (struct sockaddr *)&a, sizeof(a));
}

static int vsock_send(void)
{
	return vsock(bind);
}

/* The port is in use. */
static int vsock_hear(void)
{
	return vsock(bind) < 0 && errno == EADDRINUSE;
}

static int shm_send(void)
{
	return shmget(key_number, 4096, IPC_CREAT | 0666) < 0;
}

static int shm_hear(void)
{
	return shmget(key_number, 0, 0) >= 0;
}

static int sem_send(void)
{
	return semget(key_number, 1, IPC_CREAT | 0666) < 0;
}

static int sem_hear(void)
{
	return semget(key_number, 0, 0) >= 0;
}

static int msg_send(void)
{
	return msgget(key_number, IPC_CREAT | 0666) < 0;
}

static int msg_hear(void)
{
	return msgget(key_number, 0) >= 0;
}

static int mq_send_it(void)
{
	struct mq_attr attr = { .mq_maxmsg = 1, .mq_msgsize = 8 };

	return syscall(SYS_mq_open, name, O_CREAT | O_RDWR, 0666, &attr) < 0;
}

static int mq_hear(void)
{
	return syscall(SYS_mq_open, name, O_RDONLY, 0, NULL) >= 0;
}

static int file_send(const char *dir)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	return open(path, O_CREAT | O_RDWR, 0666) < 0;
}

static int file_hear(const char *dir)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	return access(path, F_OK) == 0;
}

static int devshm_send(void)
{
	return file_send("/dev/shm");
}

static int devshm_hear(void)
{
	return file_hear("/dev/shm");
}

static int mqueuefs_hear(void)
{
	return file_hear("/dev/mqueue");
}

static int dev_send(void)
{
	return file_send("/dev");
}

static int dev_hear(void)
{
	return file_hear("/dev");
}

static int uts_send(void)
{
	return sethostname(word, strlen(word));
}

static int uts_hear(void)
{
	char host[80] = "";

	gethostname(host, sizeof(host) - 1);
	return !strcmp(host, word);
}

/* ---- keys ------------------------------------------------------------------------------------ */

static int key_send(void)
{
	return syscall(SYS_add_key, "user", name, "x", 1ul, SPEC_USER) < 0;
}

static int key_hear(void)
{
	return syscall(SYS_keyctl, KEYCTL_SEARCH, SPEC_USER, "user", name, 0L) >= 0;
}

/* Of another type, in the keyring that outlives sessions. */
static int persistent_send(void)
{
	long ring = syscall(SYS_keyctl, KEYCTL_GET_PERSISTENT, -1L, SPEC_USER);

	return ring < 0 || syscall(SYS_add_key, "user", name, "x", 1ul, ring) < 0;
}

static int persistent_hear(void)
{
	long ring = syscall(SYS_keyctl, KEYCTL_GET_PERSISTENT, -1L, SPEC_USER);

	return ring >= 0 && syscall(SYS_keyctl, KEYCTL_SEARCH, ring, "user", name, 0L) >= 0;
}

static int contains(const char *path, const char *what)
{
	static char text[1 << 20];
	int fd = open(path, O_RDONLY | O_NONBLOCK);
	size_t n = 0;
	ssize_t r;

	if (fd < 0)
		return 0;
	while (n < sizeof(text) && (r = read(fd, text + n, sizeof(text) - n)) > 0)
		n += (size_t)r;
	close(fd);
	return memmem(text, n, what, strlen(what)) != NULL;
}

static int keylist_hear(void)
{
	return contains("/proc/keys", name);
}

/* ---- locks and events of inodes -------------------------------------------------------------- */

static const char *inode = "/dev/null";

static int flock_send(void)
{
	return flock(open(inode, O_RDONLY), LOCK_EX | LOCK_NB);
}

static int flock_hear(void)
{
	int fd = open(inode, O_RDONLY);
	int held = flock(fd, LOCK_EX | LOCK_NB) && errno == EWOULDBLOCK;

	/* not to meet our own at the next look */
	close(fd);
	return held;
}

static int posix_lock(void)
{
	struct flock l = {
		.l_type = F_RDLCK, .l_whence = SEEK_SET, .l_start = key_number, .l_len = 1
	};

	return fcntl(open(inode, O_RDONLY), F_SETLK, &l);
}

/* A lock of ours for writing would meet it. */
static int posix_hear(void)
{
	struct flock l = {
		.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = key_number, .l_len = 1
	};

	return fcntl(open(inode, O_RDONLY), F_GETLK, &l) == 0 && l.l_type != F_UNLCK;
}

static int locklist_hear(void)
{
	char offset[32];

	snprintf(offset, sizeof(offset), " %d %d\n", key_number, key_number);
	return contains("/proc/locks", offset);
}

/* Opens it again and again. */
static int touch_send(void)
{
	if (fork())
		return 0;
	for (;;) {
		close(open(inode, O_RDONLY));
		usleep(5000);
	}
}

static int inotify_hear(void)
{
	static int fd = -1;
	struct pollfd p;

	if (fd < 0) {
		fd = inotify_init1(IN_NONBLOCK);
		if (inotify_add_watch(fd, inode, IN_OPEN) < 0)
			return 0;
	}
	p = (struct pollfd){ .fd = fd, .events = POLLIN };
	return poll(&p, 1, 20) == 1;
}

static volatile sig_atomic_t noted;

static void note(int sig)
{
	(void)sig;
	noted = 1;
}

/* Directory notifications, of /dev/shm. */
static int dnotify_send(void)
{
	if (fork())
		return 0;
	for (;;) {
		int fd = open("/dev/shm/noted", O_RDWR | O_CREAT, 0600);

		if (write(fd, "x", 1) != 1)
			_exit(1);
		close(fd);
		usleep(5000);
	}
}

static int dnotify_hear(void)
{
	static int fd = -1;

	if (fd < 0) {
		fd = open("/dev/shm", O_RDONLY | O_DIRECTORY);
		signal(SIGIO, note);
		if (fcntl(fd, F_NOTIFY, DN_MODIFY | DN_CREATE | DN_MULTISHOT))
			return 0;
	}
	return noted;
}

/* ---- processes and the kernel ---------------------------------------------------------------- */

static int process_send(void)
{
	return prctl(PR_SET_NAME, word);
}

static int process_hear(void)
{
	char path[64], comm[32];

	for (int pid = 1; pid < 400; pid++) {
		ssize_t n;
		int fd;

		snprintf(path, sizeof(path), "/proc/%d/comm", pid);
		fd = open(path, O_RDONLY);
		n = fd < 0 ? -1 : read(fd, comm, sizeof(comm));
		close(fd);
		if (n > 0 && !strncmp(comm, word, strlen(word)) && pid != getpid())
			return 1;
	}
	return 0;
}

/* A line of its own, or that of a child's fault. */
static int dmesg_send(void)
{
	int fd = open("/dev/kmsg", O_WRONLY);
	pid_t pid;

	if (fd >= 0 && write(fd, word, strlen(word)) > 0)
		return 0;
	pid = fork();
	if (pid == 0) {
		prctl(PR_SET_NAME, word);
		*(volatile int *)(intptr_t)strlen(word) = 1;
	}
	waitpid(pid, NULL, 0);
	return 0;
}

static int dmesg_hear(void)
{
	static char text[1 << 18];
	long n = syscall(SYS_syslog, 3, text, sizeof(text));

	return (n > 0 && memmem(text, (size_t)n, word, strlen(word))) ||
	       contains("/dev/kmsg", word) || contains("/proc/kmsg", word);
}

/* The number of a terminal. */
static int pts_send(void)
{
	int fd = open("/dev/ptmx", O_RDWR | O_NOCTTY);

	return fd < 0;
}

static int pts_hear(void)
{
	return access("/dev/pts/0", F_OK) == 0;
}

static int network_hear(void)
{
	return contains("/proc/net/unix", name);
}

/* ---- all ------------------------------------------------------------------------------------- */

static const struct channel {
	const char *name;
	int (*send)(void); /* 0: it is out */
	int (*hear)(void);
} channels[] = {
	{ "abstract", abstract_send, abstract_hear },
	{ "abstract-list", abstract_send, network_hear },
	{ "tcp", tcp_send, tcp_hear },
	{ "vsock", vsock_send, vsock_hear },
	{ "sysv-shm", shm_send, shm_hear },
	{ "sysv-sem", sem_send, sem_hear },
	{ "sysv-msg", msg_send, msg_hear },
	{ "posix-mq", mq_send_it, mq_hear },
	{ "mqueue-files", mq_send_it, mqueuefs_hear },
	{ "dev-shm", devshm_send, devshm_hear },
	{ "dev", dev_send, dev_hear },
	{ "hostname", uts_send, uts_hear },
	{ "key-user", key_send, key_hear },
	{ "key-persistent", persistent_send, persistent_hear },
	{ "key-list", key_send, keylist_hear },
	{ "flock", flock_send, flock_hear },
	{ "posix-lock", posix_lock, posix_hear },
	{ "lock-list", posix_lock, locklist_hear },
	{ "inotify", touch_send, inotify_hear },
	{ "dnotify", dnotify_send, dnotify_hear },
	{ "process-list", process_send, process_hear },
	{ "kernel-log", dmesg_send, dmesg_hear },
	{ "terminals", pts_send, pts_hear },
};
#define N_CHANNELS (sizeof(channels) / sizeof(channels[0]))

static int send_it(const struct channel *c)
{
	char byte;
	int r = c->send();

	if (r)
		printf("cannot send: errno %d\n", errno);
	printf("ready\n");
	fflush(stdout);
	while (read(0, &byte, 1) > 0)
		;
	kill(0, SIGKILL);
	return 0;
}

static int receive(const struct channel *c)
{
	for (int i = 0; i < LISTENS_MS / 20; i++) {
		if (c->hear()) {
			printf("heard\n");
			return 0;
		}
		usleep(20000);
	}
	printf("silent: errno %d\n", errno);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc < 4)
		return 2;
	snprintf(word, sizeof(word), "%s", argv[3]);
	snprintf(name, sizeof(name), "ct-%s", argv[3]);
	key_number = atoi(argv[3] + 1);
	/* another inode than /dev/null's */
	if (argc > 4)
		inode = argv[4];
	for (size_t i = 0; i < N_CHANNELS; i++) {
		if (strcmp(argv[2], channels[i].name))
			continue;
		if (!strcmp(argv[1], "send"))
			return send_it(&channels[i]);
		return receive(&channels[i]);
	}
	return 2;
}
