/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Prints a plan: as text for people and golden files, as JSON for programs. Both follow the schema
 * that each step has in steps.def. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "plan/op.h"
#include "plan/phase.h"
#include "plan/plan.h"

static const struct ct_op_row rows[CT_OP_COUNT] = {
#define CT_STEP(op, function, phases, name, schema, calls) [CT_OP_##op] = { name, schema },
#include "wire/steps.def"
};

const struct ct_op_row *ct_op_row(unsigned op)
{
	if (op <= CT_OP_NONE || op >= CT_OP_COUNT)
		return NULL;
	return &rows[op];
}

const char *ct_op_name(unsigned op)
{
	const struct ct_op_row *row = ct_op_row(op);

	if (!row)
		return "?";
	return row->name;
}

/* "" of an op that is unknown. */
static const char *schema_of(unsigned op)
{
	const struct ct_op_row *row = ct_op_row(op);

	if (!row)
		return "";
	return row->schema;
}

static const struct {
	uint8_t bit;
	const char *word;
} flag_words[] = {
	{ CT_SF_OPTIONAL, "optional" },	      { CT_SF_CREATE_DIR, "create-dir" },
	{ CT_SF_CREATE_FILE, "create-file" }, { CT_SF_CREATE, "create" },
	{ CT_SF_STRICT, "strict" },	      { CT_SF_RECURSIVE, "recursive" },
	{ CT_SF_READ_BACK, "read-back" },     { CT_SF_ENV_PATH, "search" },
};

/* One field of a schema: which member of the step, under which name. */
struct field {
	char kind, index; /* 'a' 'b' 'o' 'p', or 's' 'h' 'l' 'e' 'n' 'x' 'm' with '0'.. */
	bool maybe;
	char name[24];
};

/* Reads the next field of a schema; false at its end. */
static bool next_field(const char **at, struct field *f)
{
	const char *p = *at;
	size_t n;

	while (*p == ' ')
		p++;
	if (!*p)
		return false;
	f->kind = *p++;
	f->index = '0';
	if (strchr("shlenxm", f->kind))
		f->index = *p++;
	p++; /* '=' */
	n = strcspn(p, " ");
	f->maybe = n && (p[n - 1] == '?' || p[n - 1] == '|');
	*at = p + n;
	n -= f->maybe;
	memcpy(f->name, p, n);
	f->name[n] = 0;
	return true;
}

static int16_t slot_of(const struct ct_step *s, char kind)
{
	switch (kind) {
	case 'a':
		return s->a;
	case 'b':
		return s->b;
	case 'o':
		return s->o;
	default:
		return s->p;
	}
}

/* Whether the step has a value in the field. */
static bool field_set(const struct ct_step *s, const struct field *f)
{
	int i = f->index - '0';

	if (strchr("abop", f->kind))
		return slot_of(s, f->kind) >= 0;
	if (f->kind == 's' || f->kind == 'h')
		return s->s[i] && *s->s[i];
	if (f->kind == 'l' || f->kind == 'e')
		return s->n_list[i] > 0;
	return s->n[i] != 0;
}

static const char *slot_name(const struct ct_plan *p, int16_t slot)
{
	if (slot < 0 || slot >= p->n_slots)
		return "none";
	return p->slot_name[slot];
}

/* How values are written. */
struct style {
	void (*put)(struct ct_buf *, const char *); /* a string */
	const char *comma;			    /* between the entries of a list */
	bool json;				    /* has decimal numbers only, and slots quoted */
	bool secrets;				    /* prints the values of all variables */
};

/* Variables whose values are no secret: a plan without them says too little. */
static bool is_public(const char *variable, size_t len)
{
	static const char *const names[] = { "PATH", "HOME",	  "TERM",	   "LANG",
					     "USER", "container", "container_ttys" };

	if (!strncmp(variable, "LXC_", 4))
		return true;
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (strlen(names[i]) == len && !memcmp(names[i], variable, len))
			return true;
	return false;
}

static void put_variable(const struct style *y, const char *variable, struct ct_buf *out)
{
	CT_CLEAN_BUF struct ct_buf text = CT_BUF_INIT;
	size_t len = strcspn(variable, "=");

	if (y->secrets || is_public(variable, len)) {
		y->put(out, variable);
		return;
	}
	ct_buf_printf(&text, "%.*s=...", (int)len, variable);
	y->put(out, ct_buf_text(&text));
}

static void put_list(const struct ct_step *s, const struct field *f, const struct style *y,
		     struct ct_buf *out)
{
	int i = f->index - '0';

	ct_buf_char(out, '[');
	for (uint32_t k = 0; k < s->n_list[i]; k++) {
		if (k)
			ct_buf_str(out, y->comma);
		if (f->kind == 'e')
			put_variable(y, s->list[i][k], out);
		else
			y->put(out, s->list[i][k]);
	}
	ct_buf_char(out, ']');
}

static void put_number(const struct style *y, char kind, uint64_t n, struct ct_buf *out)
{
	if (kind == 'n' && n == UINT64_MAX) /* an id that is looked up in the container */
		ct_buf_str(out, "-1");
	else if (kind == 'x' && !y->json)
		ct_buf_printf(out, "0x%" PRIx64, n);
	else if (kind == 'm' && !y->json)
		ct_buf_printf(out, "0%" PRIo64, n);
	else
		ct_buf_printf(out, "%" PRIu64, n);
}

/* How many bytes the digits are. */
static void put_size(const struct style *y, const char *digits, struct ct_buf *out)
{
	char text[32];

	snprintf(text, sizeof(text), "%zu bytes", digits ? strlen(digits) / 2 : 0);
	y->put(out, text);
}

/* The field's value; numbers bare, lists in brackets. */
static void put_value(const struct ct_plan *p, const struct ct_step *s, const struct field *f,
		      const struct style *y, struct ct_buf *out)
{
	int i = f->index - '0';

	switch (f->kind) {
	case 's':
		y->put(out, s->s[i] ? s->s[i] : "");
		break;
	case 'h':
		put_size(y, s->s[i], out);
		break;
	case 'l':
	case 'e':
		put_list(s, f, y, out);
		break;
	case 'n':
	case 'x':
	case 'm':
		put_number(y, f->kind, s->n[i], out);
		break;
	default:
		if (y->json)
			ct_buf_json(out, slot_name(p, slot_of(s, f->kind)));
		else
			ct_buf_str(out, slot_name(p, slot_of(s, f->kind)));
	}
}

int ct_plan_step_text(const struct ct_plan *p, const struct ct_step *s, bool secrets,
		      struct ct_buf *out)
{
	const struct style style = { ct_buf_quoted, " ", false, secrets };
	struct field f;

	ct_buf_str(out, ct_op_name(s->op));
	for (const char *at = schema_of(s->op); next_field(&at, &f);) {
		if (f.maybe && !field_set(s, &f))
			continue;
		ct_buf_printf(out, " %s=", f.name);
		if (strchr("abop", f.kind))
			for (const char *c = slot_name(p, slot_of(s, f.kind)); *c; c++)
				ct_buf_char(out, *c == ' ' ? '-' : *c);
		else
			put_value(p, s, &f, &style, out);
	}
	for (unsigned i = 0; i < sizeof(flag_words) / sizeof(*flag_words); i++)
		if (s->flags & flag_words[i].bit)
			ct_buf_printf(out, " %s", flag_words[i].word);
	return ct_buf_error(out);
}

/* "mount.entry (web.conf:3)" */
static void put_origin(const struct ct_origin *at, struct ct_buf *out)
{
	if (!at->key[0])
		return;
	ct_buf_printf(out, "  # %s", at->key);
	if (at->file)
		ct_buf_printf(out, " (%s:%d)", at->file, at->line);
}

int ct_plan_text(const struct ct_plan *p, bool secrets, struct ct_buf *out)
{
	unsigned phase = CT_PHASE_COUNT;

	for (uint32_t i = 0; i < p->n_steps; i++) {
		const struct ct_step *s = &p->steps[i];

		if (s->phase != phase) {
			phase = s->phase;
			ct_buf_printf(out, "%s: by %s\n", ct_phase_name(phase),
				      ct_phase_actor(phase));
		}
		ct_buf_printf(out, "%4u  ", i);
		ct_plan_step_text(p, s, secrets, out);
		put_origin(s->at, out);
		ct_buf_char(out, '\n');
	}
	return ct_buf_error(out);
}

static void step_json(const struct ct_plan *p, uint32_t i, bool secrets, struct ct_buf *out)
{
	const struct style style = { ct_buf_json, ",", true, secrets };
	const struct ct_step *s = &p->steps[i];
	struct field f;

	ct_buf_printf(out,
		      "{\"step\":%u,\"phase\":\"%s\",\"actor\":\"%s\",\"op\":\"%s\",\"args\":{", i,
		      ct_phase_name(s->phase), ct_phase_actor(s->phase), ct_op_name(s->op));
	for (const char *at = schema_of(s->op), *comma = ""; next_field(&at, &f);) {
		if (f.maybe && !field_set(s, &f))
			continue;
		ct_buf_printf(out, "%s\"%s\":", comma, f.name);
		put_value(p, s, &f, &style, out);
		comma = ",";
	}
	ct_buf_str(out, "},\"flags\":[");
	for (unsigned k = 0, n = 0; k < sizeof(flag_words) / sizeof(*flag_words); k++)
		if (s->flags & flag_words[k].bit)
			ct_buf_printf(out, "%s\"%s\"", n++ ? "," : "", flag_words[k].word);
	ct_buf_str(out, "]");
	if (s->at->key[0]) {
		ct_buf_str(out, ",\"key\":");
		ct_buf_json(out, s->at->key);
	}
	if (s->at->file) {
		ct_buf_str(out, ",\"file\":");
		ct_buf_json(out, s->at->file);
		ct_buf_printf(out, ",\"line\":%d", s->at->line);
	}
	ct_buf_char(out, '}');
}

int ct_plan_json(const struct ct_plan *p, bool secrets, struct ct_buf *out)
{
	ct_buf_str(out, "{\"version\":1,\"steps\":[");
	for (uint32_t i = 0; i < p->n_steps; i++) {
		ct_buf_str(out, i ? ",\n" : "\n");
		step_json(p, i, secrets, out);
	}
	ct_buf_str(out, "\n]}\n");
	return ct_buf_error(out);
}
