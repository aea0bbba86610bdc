/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* /bin/true of the benchmark's root file system: as little program as there can be. */
int main(void)
{
	return 0;
}
