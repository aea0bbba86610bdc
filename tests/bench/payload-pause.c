/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* /bin/pause of the benchmark's root file system: waits until it is killed. */
#include <unistd.h>

int main(void)
{
	for (;;)
		pause();
}
