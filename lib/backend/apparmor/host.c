/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "backend/apparmor/host.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/apparmor.h>

int ct_aa_works(const char **why)
{
	if (aa_is_enabled())
		return 1;
	*why = "this host's AppArmor cannot be used";
	if (errno == ENOSYS)
		*why = "this kernel has no AppArmor";
	else if (errno == ECANCELED)
		*why = "AppArmor was switched off when this host was booted";
	else if (errno == ENOENT)
		*why = "AppArmor's files are not there: securityfs is not mounted on "
		       "/sys/kernel/security";
	return 0;
}

int ct_aa_open(void)
{
	char *path = NULL;
	int fd = -1;

	if (aa_find_mountpoint(&path) == 0)
		fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		fd = -errno;
	free(path);
	return fd;
}

int ct_aa_remove(const char *profile)
{
	aa_kernel_interface *kernel = NULL;
	int r = aa_kernel_interface_new(&kernel, NULL, NULL);

	if (r == 0)
		r = aa_kernel_interface_remove_policy(kernel, profile);
	if (r != 0)
		r = -errno;
	aa_kernel_interface_unref(kernel);
	if (r == -ENOENT)
		return 0;
	return r;
}
