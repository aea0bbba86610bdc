/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* net.N.*: only the form of each value is checked here. */
#include "model/type.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <string.h>

#include "base/num.h"

#define BLANKS " \t"

/* The index in a key's free part, which ct_key_find() has found to be digits. */
static int net_index(const struct ct_entry *entry, uint32_t *index)
{
	char digits[16] = "";
	size_t n = strcspn(entry->sub, ".");

	if (n >= sizeof(digits))
		return -ERANGE;
	memcpy(digits, entry->sub, n);
	return ct_parse_u32(digits, index);
}

static int parse_net(const struct ct_entry *entry, void *field, struct ct_spec *spec,
		     struct ct_err *e)
{
	uint32_t index = 0;
	struct ct_nets *list = field;
	const char *const *p = entry->key->type->words;

	if (net_index(entry, &index) < 0)
		return ct_fail(e, -ERANGE, CT_ERR_RANGE, "config",
			       "the number of the network is out of range");
	while (*p && strcmp(entry->value, *p))
		p++;
	if (!*p)
		return ct_value_bad(entry, e);
	return CT_LIST_KEEP(spec, list, e, (struct ct_net_item){ entry->at, index, *p });
}

const struct ct_type ct_type_net = { "network type", parse_net,
				     "a type: empty, none, veth, macvlan, ipvlan, vlan or phys",
				     .words = (const char *const[]){ "empty", "none", "veth",
								     "macvlan", "ipvlan", "vlan",
								     "phys", NULL } };

/* A name that the kernel takes for an interface. */
static bool is_interface(const char *s, size_t n)
{
	struct ct_span name = { s, n };

	if (!n || n >= IFNAMSIZ || ct_span_is(name, ".") || ct_span_is(name, ".."))
		return false;
	for (size_t i = 0; i < n; i++) {
		if (s[i] == '/' || s[i] == ':' || s[i] == ' ' || s[i] == '\t')
			return false;
	}
	return true;
}

static int parse_net_name(const struct ct_entry *entry, void *field, struct ct_spec *spec,
			  struct ct_err *e)
{
	(void)field;
	(void)spec;
	if (is_interface(entry->value, strlen(entry->value)))
		return 0;
	return ct_value_bad(entry, e);
}

const struct ct_type ct_type_net_name = { "interface", parse_net_name,
					  "an interface name of at most 15 bytes" };

/* phys takes "eth+" for the first free of that name. */
static int parse_net_link(const struct ct_entry *entry, void *field, struct ct_spec *spec,
			  struct ct_err *e)
{
	size_t n = strlen(entry->value);

	(void)field;
	(void)spec;
	n -= n > 1 && entry->value[n - 1] == '+';
	if (is_interface(entry->value, n))
		return 0;
	return ct_value_bad(entry, e);
}

const struct ct_type ct_type_net_link = { "interface", parse_net_link,
					  "an interface name of at most 15 bytes" };

static int parse_mac(const struct ct_entry *entry, void *field, struct ct_spec *spec,
		     struct ct_err *e)
{
	static const char digits[] = "0123456789abcdefABCDEFxX";
	const char *s = entry->value;

	(void)field;
	(void)spec;
	if (strlen(s) != 17)
		return ct_value_bad(entry, e);
	for (int i = 0; i < 17; i++) {
		bool separator = i % 3 == 2;

		if ((separator && s[i] != ':') || (!separator && !strchr(digits, s[i])))
			return ct_value_bad(entry, e);
	}
	return 0;
}

const struct ct_type ct_type_mac = {
	"hardware address", parse_mac,
	"an address such as 10:66:6a:xx:xx:xx, where each x becomes random"
};

/* Whether an address has /PREFIX. */
enum prefix { NO_PREFIX, MAY_HAVE_PREFIX, NEEDS_PREFIX };

static bool is_address(struct ct_span word, int family, enum prefix prefix)
{
	unsigned char raw[sizeof(struct in6_addr)];
	char text[INET6_ADDRSTRLEN] = "", *slash;
	uint32_t bits = 0, most = 128;

	if (word.n >= sizeof(text))
		return false;
	memcpy(text, word.s, word.n);
	slash = strchr(text, '/');
	if ((slash && prefix == NO_PREFIX) || (!slash && prefix == NEEDS_PREFIX))
		return false;
	if (family == AF_INET)
		most = 32;
	if (slash) {
		*slash = 0;
		if (ct_parse_u32(slash + 1, &bits) < 0 || bits > most)
			return false;
	}
	return inet_pton(family, text, raw) == 1;
}

/* ADDRESS[/PREFIX] and for IPv4 perhaps the broadcast address. */
static int parse_address(const struct ct_entry *entry, int family, int n_max, enum prefix prefix,
			 struct ct_err *e)
{
	const char *s = entry->value;
	struct ct_span word;
	int n = 0;

	for (; ct_next_word(&s, BLANKS, &word); n++) {
		if (n == n_max || !is_address(word, family, prefix))
			return ct_value_bad(entry, e);
		prefix = NO_PREFIX;
	}
	if (n)
		return 0;
	return ct_value_bad(entry, e);
}

static int parse_ipv4_address(const struct ct_entry *entry, void *field, struct ct_spec *spec,
			      struct ct_err *e)
{
	(void)field;
	(void)spec;
	return parse_address(entry, AF_INET, 2, MAY_HAVE_PREFIX, e);
}

static int parse_ipv6_address(const struct ct_entry *entry, void *field, struct ct_spec *spec,
			      struct ct_err *e)
{
	(void)field;
	(void)spec;
	return parse_address(entry, AF_INET6, 1, MAY_HAVE_PREFIX, e);
}

static int parse_ipv4_route(const struct ct_entry *entry, void *field, struct ct_spec *spec,
			    struct ct_err *e)
{
	(void)field;
	(void)spec;
	return parse_address(entry, AF_INET, 1, NEEDS_PREFIX, e);
}

static int parse_ipv6_route(const struct ct_entry *entry, void *field, struct ct_spec *spec,
			    struct ct_err *e)
{
	(void)field;
	(void)spec;
	return parse_address(entry, AF_INET6, 1, NEEDS_PREFIX, e);
}

static int parse_gateway(const struct ct_entry *entry, int family, struct ct_err *e)
{
	if (!strcmp(entry->value, "auto") || !strcmp(entry->value, "dev"))
		return 0;
	return parse_address(entry, family, 1, NO_PREFIX, e);
}

static int parse_ipv4_gateway(const struct ct_entry *entry, void *field, struct ct_spec *spec,
			      struct ct_err *e)
{
	(void)field;
	(void)spec;
	return parse_gateway(entry, AF_INET, e);
}

static int parse_ipv6_gateway(const struct ct_entry *entry, void *field, struct ct_spec *spec,
			      struct ct_err *e)
{
	(void)field;
	(void)spec;
	return parse_gateway(entry, AF_INET6, e);
}

const struct ct_type ct_type_ipv4_address = {
	"list of IPv4 addresses", parse_ipv4_address,
	"an address such as 10.0.0.2/24, perhaps followed by the broadcast address"
};
const struct ct_type ct_type_ipv6_address = { "list of IPv6 addresses", parse_ipv6_address,
					      "an address such as 2001:db8::2/64" };
const struct ct_type ct_type_ipv4_route = { "list of IPv4 routes", parse_ipv4_route,
					    "a network such as 192.168.1.0/24" };
const struct ct_type ct_type_ipv6_route = { "list of IPv6 routes", parse_ipv6_route,
					    "a network such as 2001:db8::/64" };
const struct ct_type ct_type_ipv4_gateway = { "IPv4 address, auto or dev", parse_ipv4_gateway,
					      "an address such as 10.0.0.1, auto or dev" };
const struct ct_type ct_type_ipv6_gateway = { "IPv6 address, auto or dev", parse_ipv6_gateway,
					      "an address such as 2001:db8::1, auto or dev" };

static int parse_vlan_or_none(const struct ct_entry *entry, void *field, struct ct_spec *spec,
			      struct ct_err *e)
{
	if (strcmp(entry->value, "none"))
		return ct_type_vlan.parse(entry, field, spec, e);
	return 0;
}

const struct ct_type ct_type_vlan_or_none = { "VLAN number or none", parse_vlan_or_none,
					      "none or a VLAN number from 0 to 4094", 0, 4094 };
