/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Landlock's interface to user space, up to ABI 7 (Linux 6.15): the rights that a ruleset handles,
 * and the ABI that each came with. Sources: Documentation/userspace-api/landlock.rst,
 * include/uapi/linux/landlock.h. Headers of older kernels lack what came later, so that all numbers
 * are here.
 *
 * The keys, and the rights that each grants:
 *
 *   landlock.read = PATH...     read_file, read_dir
 *   landlock.write = PATH...    write_file, truncate
 *   landlock.execute = PATH...  execute, read_file: what is executed is read, too
 *   landlock.make = PATH...     make_* (char, dir, reg, sock, fifo, block, sym), remove_file,
 *                               remove_dir, refer (rename and link from one directory to another)
 *   landlock.ioctl = PATH...    ioctl_dev: ioctl(2) on devices that are opened from then on
 *   landlock.tcp.bind = PORT... | none | any
 *   landlock.tcp.connect = PORT... | none | any
 *   landlock.scope = [abstract-unix-sockets] [signals] | none
 *   landlock.abi = N
 *
 * A PATH stands for itself and all below it; blanks divide, quotes hold together; "try:" in front
 * leaves out what does not exist; "none" takes back what earlier lines of the key list. The lists
 * of a key's lines add up. No key implies another one: a file that is to be written anew needs
 * write, and make to create it.
 *
 * With any of the keys all that the kernel offers is handled: what no key grants is denied, TCP
 * ports and both scopes included. "any" leaves an operation on ports alone, scope = none the
 * scopes. A key that names what this kernel does not offer makes the start fail. landlock.abi is
 * the ABI that is wanted at least: 3 where it is not set, because an older one does not restrict
 * truncate(2).
 */
#ifndef CT_LANDLOCK_H
#define CT_LANDLOCK_H

#define CT_LL_EXECUTE (1ull << 0)
#define CT_LL_WRITE_FILE (1ull << 1)
#define CT_LL_READ_FILE (1ull << 2)
#define CT_LL_READ_DIR (1ull << 3)
#define CT_LL_MAKE (0x1ffull << 4) /* remove_dir, remove_file, make_char .. make_sym */
#define CT_LL_REFER (1ull << 13)
#define CT_LL_TRUNCATE (1ull << 14)
#define CT_LL_IOCTL_DEV (1ull << 15)
/* those that a rule for something else than a directory can have */
#define CT_LL_OF_FILES \
	(CT_LL_EXECUTE | CT_LL_WRITE_FILE | CT_LL_READ_FILE | CT_LL_TRUNCATE | CT_LL_IOCTL_DEV)

#define CT_LL_BIND_TCP (1ull << 0)
#define CT_LL_CONNECT_TCP (1ull << 1)

#define CT_LL_ABSTRACT_UNIX (1ull << 0)
#define CT_LL_SIGNAL (1ull << 1)

/* The ABIs by which they came. */
#define CT_LL_ABI_FS 1u
#define CT_LL_ABI_REFER 2u
#define CT_LL_ABI_TRUNCATE 3u
#define CT_LL_ABI_TCP 4u
#define CT_LL_ABI_IOCTL_DEV 5u
#define CT_LL_ABI_SCOPE 6u
#define CT_LL_ABI_MAX 7u /* the newest one that is known here */

#define CT_LL_FLAG_VERSION 1u /* landlock_create_ruleset(2): tells the ABI */
#define CT_LL_RULE_PATH 1
#define CT_LL_RULE_PORT 2

#endif
