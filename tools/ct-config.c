/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* ct-config: values of the installation, as lxc-config; config keys of a container;
 * the table of keys. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common.h"
#include "out.h"

static struct args a;
static struct {
	bool list, keys;
} o;

static const struct opt opts[] = {
	{ 'l', "list", NULL, OPT_FLAG, &o.list, "list the items of the installation", NULL },
	{ 'k', "keys", NULL, OPT_FLAG, &o.keys,
	  "describe the config keys (those that begin with KEY)", NULL },
};
static const struct tool tool = {
	"ct-config",
	"-l | ITEM\n       ct-config NAME [KEY | KEY=VALUE]...\n       ct-config --keys [KEY]",
	"Prints an item of the installation (lxc.lxcpath, ...); prints or sets config keys of a "
	"container; describes keys.",
	opts,
	sizeof(opts) / sizeof(*opts),
	TOOL_NAME_OPTIONAL | TOOL_NO_NAME_WORD | TOOL_WORDS | TOOL_JSON | TOOL_NO_RCFILE,
};

/* ---- the installation ------------------------------------------------------------------------ */

/* Items of lxc-config. NULL value: a backend that this version does not have. */
static const struct {
	const char *name;
	const char *value;
} items[] = {
	{ "lxc.default_config", CT_DEFAULT_CONFIG },
	{ "lxc.lxcpath", "" },
	{ "lxc.bdev.lvm.vg", NULL },
	{ "lxc.bdev.lvm.thin_pool", NULL },
	{ "lxc.bdev.zfs.root", NULL },
	{ "lxc.bdev.rbd.rbdpool", NULL },
	{ "lxc.bdev.rbd.rbduser", NULL },
	{ "lxc.cgroup.pattern", NULL },
	{ "lxc.cgroup.use", NULL },
};
#define N_ITEMS (sizeof(items) / sizeof(*items))

static int list_items(void)
{
	struct json j = { .out = stdout };

	if (a.json)
		json_open(&j, NULL, '[');
	for (size_t i = 0; i < N_ITEMS; i++) {
		if (a.json)
			json_string(&j, NULL, items[i].name);
		else
			printf("%s\n", items[i].name);
	}
	if (a.json)
		json_close(&j, ']');
	if (a.json)
		return json_end(&j);
	return 0;
}

static int print_value(const char *key, const char *value, size_t len)
{
	struct json j = { .out = stdout };
	char *copy;

	if (!a.json) {
		if (printf("%.*s\n", (int)len, value) < 0)
			return -EIO;
		return 0;
	}
	copy = strndup(value, len);
	json_open(&j, NULL, '{');
	json_string(&j, key, copy);
	json_close(&j, '}');
	free(copy);
	return json_end(&j);
}

/* The default container directory is in the path of any container. */
static int print_lxcpath(void)
{
	CLEAN_CONTAINER ct_container *c = NULL;
	struct args one = a;
	int err;

	one.name = "x";
	err = open_container(&one, &c);
	if (err)
		return err;
	return print_value("lxc.lxcpath", ct_path(c), strlen(ct_path(c)) - strlen("/x"));
}

static int print_item(const char *item)
{
	for (size_t i = 0; i < N_ITEMS; i++) {
		if (strcmp(items[i].name, item))
			continue;
		if (!items[i].value)
			return fail(&a,
				    "%s: this version has no such backend, so the item has no "
				    "value",
				    item);
		if (*items[i].value)
			return print_value(item, items[i].value, strlen(items[i].value));
		return print_lxcpath();
	}
	return fail(&a,
		    "%s: no such item; -l lists them, and a container's key is read by: "
		    "ct-config -n NAME KEY",
		    item);
}

/* ---- keys ------------------------------------------------------------------------------------ */

static void describe_text(const char *key, const ct_key_info *k)
{
	printf("%s\n    %s\n    Type: %s", key, k->help, k->type);
	if (k->flags & CT_KEY_LIST)
		fputs(", each setting adds", stdout);
	putchar('.');
	if (*k->dflt)
		printf(" Default: %s.", k->dflt);
	if (k->flags & CT_KEY_STORED_ONLY)
		fputs(" Kept, but not honoured by this version.", stdout);
	putchar('\n');
}

static void describe_json(struct json *j, const char *key, const ct_key_info *k)
{
	const char *dflt = k->dflt;

	if (!*dflt)
		dflt = NULL;
	json_open(j, NULL, '{');
	json_string(j, "name", key);
	json_string(j, "type", k->type);
	json_string(j, "default", dflt);
	json_string(j, "help", k->help);
	json_bool(j, "list", k->flags & CT_KEY_LIST);
	json_bool(j, "stored_only", k->flags & CT_KEY_STORED_ONLY);
	json_bool(j, "lxc", !(k->flags & CT_KEY_OURS));
	json_close(j, '}');
}

static void describe(struct json *j, const char *key)
{
	ct_key_info k = CT_KEY_INFO_INIT;

	if (ct_describe_key(key, &k) < 0)
		return;
	if (a.json)
		describe_json(j, key, &k);
	else
		describe_text(key, &k);
}

static int describe_keys(const char *prefix)
{
	struct json j = { .out = stdout };
	ssize_t n = ct_list_keys(prefix, NULL, 0);
	char *names, *rest, *key;

	if (n <= 0)
		return fail(&a, "no key begins with %s", prefix ? prefix : "that");
	rest = names = malloc((size_t)n + 1);
	if (!names)
		return fail(&a, "out of memory");
	ct_list_keys(prefix, names, (size_t)n + 1);
	if (a.json)
		json_open(&j, NULL, '[');
	while ((key = strsep(&rest, "\n")))
		if (*key)
			describe(&j, key);
	free(names);
	if (!a.json)
		return 0;
	json_close(&j, ']');
	return json_end(&j);
}

/* ---- a container ----------------------------------------------------------------------------- */

static int print_file(ct_container *c)
{
	char path[4096], buf[8192];
	size_t n;
	FILE *f;

	snprintf(path, sizeof(path), "%s/config", ct_path(c));
	f = fopen(path, "re");
	if (!f)
		return fail(&a, "%s: %s", path, strerror(errno));
	while ((n = fread(buf, 1, sizeof(buf), f)) > 0)
		fwrite(buf, 1, n, stdout);
	fclose(f);
	return 0;
}

static int print_key(ct_container *c, const char *key)
{
	char *value;
	int err;

	if (ct_get_config(c, key, NULL, 0) < 0)
		return fail_container(&a, c);
	value = config_value(c, key);
	if (value)
		err = print_value(key, value, strlen(value));
	else
		err = print_value(key, "", 0);
	free(value);
	return err;
}

/* Words are keys to print or KEY=VALUE to set; what is set is saved at the end, all or nothing. */
static int container(void)
{
	CLEAN_CONTAINER ct_container *c = NULL;
	struct strings sets = { 0 };
	int err = open_container(&a, &c);

	if (!err)
		err = load_config(&a, c, NULL, false);
	if (!err && !a.n_rest)
		err = print_file(c);
	for (int i = 0; i < a.n_rest && !err; i++) {
		if (!strchr(a.rest[i], '='))
			err = print_key(c, a.rest[i]);
		else if (strings_add(&sets, a.rest[i]) < 0)
			err = fail(&a, "out of memory");
	}
	if (!err && sets.n)
		err = define_all(&a, c, &sets);
	if (!err && sets.n && ct_save_config(c, NULL) < 0)
		err = fail_container(&a, c);
	strings_free(&sets);
	return err;
}

/* The first word is an item when it is one (or looks like one), else a container's name. */
static int dispatch(void)
{
	if (o.list)
		return list_items();
	if (o.keys)
		return describe_keys(a.rest[0]); /* NULL without a word */
	if (a.name)
		return container();
	if (!a.n_rest)
		return fail(&a, "missing item or container name (see --help)");
	if (a.n_rest == 1 && !strncmp(a.rest[0], "lxc.", 4))
		return print_item(a.rest[0]);
	a.name = *a.rest++;
	a.n_rest--;
	return container();
}

int main(int argc, char **argv)
{
	int err;

	tool_begin();
	err = args_parse(&a, &tool, argc, argv);
	if (err >= 0)
		return err;
	err = dispatch();
	if (err <= 0)
		err = out_flush(&a);
	if (err < 0)
		return EXIT_OWN;
	return err;
}
