/* SPDX-License-Identifier: MIT */
/*
 * form: data forms (XEP-0004) with FORM_TYPE (XEP-0068) and data types (XEP-0122). A module
 * describes its form once, as a table over a struct; the same table asks the questions, checks
 * and reads the answers, and shows the result:
 *	struct settings { bool open; const char *title; int64_t places; };
 *	static const struct sc_field fields[] = {
 *		SC_FIELD_BOOL(struct settings, open, "urn:x#open", "Anybody may come in"),
 *		SC_FIELD_TEXT(struct settings, title, "urn:x#title", "Title", 200),
 *		SC_FIELD_NUMBER(struct settings, places, "urn:x#places", "Places", 1, 1024),
 *		SC_FIELD_END
 *	};
 *	static const struct sc_form_plan plan = SC_FORM_PLAN(.form_type = "urn:x",
 *		.title = "Settings", .fields = fields);
 *
 *	struct settings wanted = *now;          a field that is not in the form stays as it was
 *	switch (sc_form_get(sc_arena(ctx), query, &plan, &wanted, &problem, NULL)) {
 *	case SC_FORM_SUBMITTED: ...
 *	case SC_FORM_CANCELLED: ...
 *	case SC_FORM_WRONG: return sc_refuse(ctx, problem.cond, problem.text); }
 *
 * All functions: any thread; nothing is kept beyond the call but what lives in the arena.
 */
#ifndef STONECHAT_FORM_H
#define STONECHAT_FORM_H

#pragma GCC visibility push(default)

#include <stonechat/stanza.h>

#define SC_NS_FORM "jabber:x:data"
#define SC_NS_FORM_VALIDATE "http://jabber.org/protocol/xdata-validate"

/* What one form that a peer sends may hold; more is policy-violation. */
#define SC_FORM_FIELDS_MAX 256
#define SC_FORM_VALUES_MAX 8192

/* §3.1 */
enum sc_form_type { SC_FORM_FORM, SC_FORM_SUBMIT, SC_FORM_CANCEL, SC_FORM_RESULT };

/* How a field is asked, §3.3. FIXED is text between the questions: its label is its value, it
 * has no var. */
enum sc_field_kind {
	SC_FIELD_K_BOOLEAN, SC_FIELD_K_FIXED, SC_FIELD_K_HIDDEN, SC_FIELD_K_JID_MULTI,
	SC_FIELD_K_JID_SINGLE, SC_FIELD_K_LIST_MULTI, SC_FIELD_K_LIST_SINGLE,
	SC_FIELD_K_TEXT_MULTI, SC_FIELD_K_TEXT_PRIVATE, SC_FIELD_K_TEXT_SINGLE,
};

/* How its value is kept in the struct. Texts and JIDs that are read live in the arena. */
enum sc_field_as {
	SC_FIELD_AS_NOTHING,    /* fixed */
	SC_FIELD_AS_BOOL,       /* bool */
	SC_FIELD_AS_NUMBER,     /* int64_t within [min, max] */
	SC_FIELD_AS_TIME,       /* int64_t wall µs (XEP-0082) */
	/* const char *, NULL: none; at most max bytes; one line, unless the kind is text-multi */
	SC_FIELD_AS_TEXT,
	/* const char *const *, NULL-terminated; NULL: none; at most max of them */
	SC_FIELD_AS_TEXTS,
	SC_FIELD_AS_CHOICE,     /* int: index into options */
	/* unsigned: one bit for each index into options, of which there are at most 32 */
	SC_FIELD_AS_CHOICES,
	SC_FIELD_AS_JID,        /* const struct sc_jid *, prepared; NULL: none */
	/* const struct sc_jid *const *, prepared, without repeats, NULL-terminated; at most max
	 * of them */
	SC_FIELD_AS_JIDS,
	SC_FIELD_AS_OWN,        /* by the row's own get and set */
};

struct sc_option {
	const char *value, *label;
};

struct sc_field {
	const char *var, *label;
	enum sc_field_kind kind;
	enum sc_field_as as;
	size_t offset;
	int64_t min, max;
	/* of lists, up to one with value NULL. A list without: any value may be given (<open/>) */
	const struct sc_option *options;
	/* a form that leaves it out, or empty, is not acceptable */
	bool required;
	/* The field exists only where this says true; NULL: always. One that does not is neither
	 * shown nor read. */
	bool (*when)(const void *values);
	/* SC_FIELD_AS_OWN. get: the values as texts, NULL-terminated. set: false: not a value of
	 * this field. texts as in the form. */
	const char *const *(*get)(struct sc_arena *, const void *values);
	bool (*set)(struct sc_arena *, void *values, const char *const *texts) SC_MUST_CHECK;
};

#define SC_FIELD_AT_(st, member, type) \
	(offsetof(st, member) + 0 * sizeof((const type *)0 == &((st *)0)->member))
#define SC_FIELD_(st, member, type, v, l, k, a, ...) \
	{ .var = v, .label = l, .kind = SC_FIELD_K_##k, .as = SC_FIELD_AS_##a, \
		.offset = SC_FIELD_AT_(st, member, type), __VA_ARGS__ }
/* More may follow, e.g. .required = true. A member of the wrong type is a compile error. */
#define SC_FIELD_BOOL(st, member, v, l, ...) \
	SC_FIELD_(st, member, bool, v, l, BOOLEAN, BOOL, __VA_ARGS__)
#define SC_FIELD_NUMBER(st, member, v, l, lo, hi, ...) \
	SC_FIELD_(st, member, int64_t, v, l, TEXT_SINGLE, NUMBER, .min = lo, .max = hi, __VA_ARGS__)
#define SC_FIELD_TIME(st, member, v, l, ...) \
	SC_FIELD_(st, member, int64_t, v, l, TEXT_SINGLE, TIME, __VA_ARGS__)
#define SC_FIELD_TEXT(st, member, v, l, most, ...) \
	SC_FIELD_(st, member, char *, v, l, TEXT_SINGLE, TEXT, .max = most, __VA_ARGS__)
#define SC_FIELD_SECRET(st, member, v, l, most, ...) \
	SC_FIELD_(st, member, char *, v, l, TEXT_PRIVATE, TEXT, .max = most, __VA_ARGS__)
#define SC_FIELD_LINES(st, member, v, l, most, ...) \
	SC_FIELD_(st, member, char *, v, l, TEXT_MULTI, TEXT, .max = most, __VA_ARGS__)
#define SC_FIELD_HIDDEN(st, member, v, most, ...) \
	SC_FIELD_(st, member, char *, v, NULL, HIDDEN, TEXT, .max = most, __VA_ARGS__)
#define SC_FIELD_TEXTS(st, member, v, l, most, ...) \
	SC_FIELD_(st, member, char *const *, v, l, LIST_MULTI, TEXTS, .max = most, __VA_ARGS__)
#define SC_FIELD_CHOICE(st, member, v, l, opts, ...) \
	SC_FIELD_(st, member, int, v, l, LIST_SINGLE, CHOICE, .options = opts, __VA_ARGS__)
#define SC_FIELD_CHOICES(st, member, v, l, opts, ...) \
	SC_FIELD_(st, member, unsigned, v, l, LIST_MULTI, CHOICES, .options = opts, __VA_ARGS__)
#define SC_FIELD_JID(st, member, v, l, ...) \
	SC_FIELD_(st, member, struct sc_jid *, v, l, JID_SINGLE, JID, __VA_ARGS__)
#define SC_FIELD_JIDS(st, member, v, l, most, ...) \
	SC_FIELD_(st, member, struct sc_jid *const *, v, l, JID_MULTI, JIDS, .max = most, \
		__VA_ARGS__)
/* k: the kind without SC_FIELD_K_ */
#define SC_FIELD_OWN(k, v, l, get_fn, set_fn, ...) \
	{ .var = v, .label = l, .kind = SC_FIELD_K_##k, .as = SC_FIELD_AS_OWN, .get = get_fn, \
		.set = set_fn, __VA_ARGS__ }
#define SC_FIELD_FIXED(text) { .label = text, .kind = SC_FIELD_K_FIXED }
#define SC_FIELD_END { .var = NULL, .label = NULL }

struct sc_form_plan {
	const char *form_type;          /* XEP-0068 */
	const char *title, *instructions;       /* of the questions; may be NULL */
	const struct sc_field *fields;
	size_t size_field;
	/* A field that the table does not have is feature-not-implemented; otherwise it is
	 * ignored (XEP-0068 §3.2). */
	bool strict;
};
#define SC_FORM_PLAN(...) { .size_field = sizeof(struct sc_field), __VA_ARGS__ }

/* --- reading --- */
struct sc_form_problem {
	enum sc_cond cond;
	/* a sentence with the field's label; in the arena or constant */
	const char *text;
};

/* A form as it came: its fields in order. Lives in the arena. */
struct sc_form;

/* Reads <x xmlns='jabber:x:data'/>. NULL: it is none, or is malformed (an unknown type, a field
 * twice or without name), or too large; the problem says which. A NULL element is a problem too. */
const struct sc_form *sc_form_read(struct sc_arena *, const struct sc_elem *x,
	struct sc_form_problem *);
enum sc_form_type sc_form_kind(const struct sc_form *);
/* the value of FORM_TYPE; NULL: none */
const char *sc_form_type(const struct sc_form *);
bool sc_form_has(const struct sc_form *, const char *var);
/* the first; NULL: not there, or no value */
const char *sc_form_value(const struct sc_form *, const char *var);
/* NULL-terminated; NULL: the field is not there */
const char *const *sc_form_values(const struct sc_form *, const char *var);
/* how many there are, FORM_TYPE not counted */
int sc_form_fields(const struct sc_form *);
const char *sc_form_var(const struct sc_form *, int i);
/* A boolean as §3.3 writes it: 0, 1, false, true. False: it is none. */
bool sc_form_read_bool(const char *text, bool *out) SC_MUST_CHECK;

/* Writes what a submitted form says into values; what it does not say stays. False: nothing was
 * changed, the problem says why. FORM_TYPE must be the plan's, and may be missing only where
 * there are no fields. */
bool sc_form_fill(struct sc_arena *, const struct sc_form *, const struct sc_form_plan *,
	void *values, size_t size,
	struct sc_form_problem *) SC_MUST_CHECK;

enum sc_form_got { SC_FORM_SUBMITTED, SC_FORM_CANCELLED, SC_FORM_WRONG };
/* The usual way: finds the form inside parent, reads it, fills values. form (may be NULL) gets
 * it, for sc_form_has(). */
enum sc_form_got sc_form_get_(struct sc_arena *, const struct sc_elem *parent,
	const struct sc_form_plan *, void *values, size_t size,
	struct sc_form_problem *, const struct sc_form **form) SC_MUST_CHECK;
#define sc_form_get(arena, parent, plan, values, problem, form) \
	sc_form_get_(arena, parent, plan, values, sizeof(*(values)), problem, form)

/* --- making --- */
/* Adds a form with all fields that exist: FORM (questions with labels, options, and what the
 * values are now), RESULT or SUBMIT. */
struct sc_elem *sc_form_put(struct sc_stanza *, struct sc_elem *parent, enum sc_form_type,
	const struct sc_form_plan *, const void *values);
/* A table of results, §3.4: what the columns are, once, then rows. */
void sc_form_put_reported(struct sc_stanza *, struct sc_elem *x, const struct sc_form_plan *);
void sc_form_put_item(struct sc_stanza *, struct sc_elem *x, const struct sc_form_plan *,
	const void *values);
/* One by one. form_type, title, label, value may be NULL. */
struct sc_elem *sc_form_add(struct sc_stanza *, struct sc_elem *parent, enum sc_form_type,
	const char *form_type);
struct sc_elem *sc_form_add_field(struct sc_stanza *, struct sc_elem *x, enum sc_field_kind,
	const char *var, const char *label,
	const char *value);
void sc_form_add_value(struct sc_stanza *, struct sc_elem *field, const char *value);
void sc_form_add_option(struct sc_stanza *, struct sc_elem *field, const char *value,
	const char *label);
const char *sc_field_kind_name(enum sc_field_kind);                     /* "text-single" */
/* A field's values as they are written in a form, NULL-terminated. */
const char *const *sc_field_texts(struct sc_arena *, const struct sc_field *, const void *values);

#pragma GCC visibility pop

#endif
