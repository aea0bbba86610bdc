/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* ct-freeze: stops every process of a container where it is. */
#include "freezer.h"

static const char *timeout = "60";

static const struct opt opts[] = {
	{ 't', "timeout", "SECONDS", OPT_STRING, &timeout,
	  "give up, and let it go on, after so long (60); -1: never", NULL },
};
static const struct tool tool = {
	"ct-freeze",
	"NAME [-t SECONDS]",
	"Stops all processes of a container where they are, until ct-unfreeze.",
	opts,
	sizeof(opts) / sizeof(*opts),
	TOOL_NAME,
};

int main(int argc, char **argv)
{
	return freezer_main(argc, argv, &tool, &timeout, ct_freeze);
}
