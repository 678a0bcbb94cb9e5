/* SPDX-License-Identifier: MIT */
/* form: what the parts of the data forms tell each other. */
#ifndef XMPP_FORM_H
#define XMPP_FORM_H

#include <stonechat/form.h>

struct form_field {
	const char *var;
	const char *const *values;      /* NULL-terminated */
	int n;
};

struct sc_form {
	enum sc_form_type type;
	const char *form_type;
	int n;
	struct form_field *fields;
};

const struct form_field *form_find(const struct sc_form *, const char *var);
/* The row i of a plan, whatever size its module gave it; NULL behind the last. */
const struct sc_field *form_row(const struct sc_form_plan *, size_t i);
const char *form_type_name(enum sc_form_type);
/* Sets *problem; returns false. */
bool form_wrong(struct sc_form_problem *, enum sc_cond, const char *text);
/* One field's texts to its place in values. False: they are none of its values. */
bool form_take(struct sc_arena *, const struct sc_field *, const struct form_field *, void *values,
	struct sc_form_problem *);

#endif
