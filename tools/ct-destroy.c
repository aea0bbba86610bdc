/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* ct-destroy: removes a container and what belongs to it. */
#include "common.h"

static struct args a;
static bool force;

static const struct opt opts[] = {
	{ 'f', "force", NULL, OPT_FLAG, &force, "stop it first when it runs", NULL },
	{ 's', "snapshots", NULL, OPT_REFUSED, NULL, "this version has no snapshots", NULL },
};
static const struct tool tool = {
	"ct-destroy",
	"NAME [-f]",
	"Removes a container: its config, and its root file system when it belongs to it.",
	opts,
	sizeof(opts) / sizeof(*opts),
	TOOL_NAME | TOOL_NO_RCFILE,
};

int main(int argc, char **argv)
{
	CLEAN_CONTAINER ct_container *c = NULL;
	unsigned flags = 0;
	int err;

	tool_begin();
	err = args_parse(&a, &tool, argc, argv);
	if (err >= 0)
		return err;
	err = open_container(&a, &c);
	if (err)
		return err;
	if (force)
		flags |= CT_DESTROY_FORCE;
	if (ct_destroy(c, flags) < 0)
		return fail_container(&a, c);
	return 0;
}
