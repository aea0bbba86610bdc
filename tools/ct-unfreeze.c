/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* ct-unfreeze: lets the processes of a frozen container go on. */
#include "freezer.h"

static const char *timeout = "60";

static const struct opt opts[] = {
	{ 't', "timeout", "SECONDS", OPT_STRING, &timeout, "give up after so long (60); -1: never",
	  NULL },
};
static const struct tool tool = {
	"ct-unfreeze",
	"NAME [-t SECONDS]",
	"Lets the processes of a frozen container go on.",
	opts,
	sizeof(opts) / sizeof(*opts),
	TOOL_NAME,
};

int main(int argc, char **argv)
{
	return freezer_main(argc, argv, &tool, &timeout, ct_unfreeze);
}
