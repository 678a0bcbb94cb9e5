/* SPDX-License-Identifier: MIT */
/* form_fill: a submitted form against a module's table: whose it is, what is missing, what
 * nobody knows. All or nothing. */
#include "config.h"

#include <string.h>

#include "xmpp/form.h"

const struct sc_field *
form_row(const struct sc_form_plan *plan, size_t i)
{
	const void *row = (const char *)plan->fields + i * plan->size_field;
	const struct sc_field *field = row;

	return field->var == NULL && field->label == NULL ? NULL : field;
}

static bool
exists(const struct sc_field *row, const void *values)
{
	return row->var != NULL && (row->when == NULL || row->when(values));
}

static bool
is_known(const struct sc_form_plan *plan, const char *var, const void *values)
{
	const struct sc_field *row;

	for (size_t i = 0; (row = form_row(plan, i)) != NULL; i++)
		if (exists(row, values) && strcmp(row->var, var) == 0)
			return true;
	return false;
}

/* Whether the form is one of this kind. Without a field it says nothing, so it needs not say
 * whose (XEP-0045 §10.1.2). */
static bool
is_ours(struct sc_arena *arena, const struct sc_form *form, const struct sc_form_plan *plan,
	const void *values,
	struct sc_form_problem *problem)
{
	if (form->type != SC_FORM_SUBMIT)
		return form_wrong(problem, SC_COND_BAD_REQUEST, "The form must be of type submit.");
	if (form->form_type == NULL && form->n > 0)
		return form_wrong(problem, SC_COND_BAD_REQUEST, "The form has no FORM_TYPE.");
	if (form->form_type != NULL && strcmp(form->form_type, plan->form_type) != 0)
		return form_wrong(problem, SC_COND_BAD_REQUEST,
			sc_format(arena, "The FORM_TYPE must be %s.", plan->form_type));
	for (int i = 0; plan->strict && i < form->n; i++)
		if (!is_known(plan, form->fields[i].var, values))
			return form_wrong(problem, SC_COND_FEATURE_NOT_IMPLEMENTED,
				sc_format(arena, "Nothing is known here of a field %s.",
				form->fields[i].var));
	return true;
}

bool
sc_form_fill(struct sc_arena *arena, const struct sc_form *form, const struct sc_form_plan *plan,
	void *values, size_t size,
	struct sc_form_problem *problem)
{
	void *wanted = sc_alloc(arena, size);
	const struct sc_field *row;

	memcpy(wanted, values, size);
	if (!is_ours(arena, form, plan, values, problem))
		return false;
	for (size_t i = 0; (row = form_row(plan, i)) != NULL; i++) {
		static const char *const none[] = { NULL };
		static const struct form_field nothing = { NULL, none, 0 };
		const struct form_field *field;

		if (!exists(row, values))
			continue;
		field = form_find(form, row->var);
		if (field == NULL && row->required)
			field = &nothing;
		if (field != NULL && !form_take(arena, row, field, wanted, problem))
			return false;
	}
	memcpy(values, wanted, size);
	return true;
}

enum sc_form_got
sc_form_get_(struct sc_arena *arena, const struct sc_elem *parent, const struct sc_form_plan *plan,
	void *values, size_t size,
	struct sc_form_problem *problem, const struct sc_form **out)
{
	const struct sc_form *form = sc_form_read(arena, sc_child(parent, SC_NS_FORM, "x"),
		problem);

	if (out != NULL)
		*out = form;
	if (form == NULL)
		return SC_FORM_WRONG;
	if (form->type == SC_FORM_CANCEL)
		return SC_FORM_CANCELLED;
	return sc_form_fill(arena, form, plan, values, size, problem) ? SC_FORM_SUBMITTED
		: SC_FORM_WRONG;
}
