/* SPDX-License-Identifier: MIT */
/* form_read: a data form as it came (XEP-0004), by its shape. What its values mean is
 * form_take.c's. */
#include "config.h"

#include <string.h>

#include "xmpp/form.h"

static const char *const type_names[] = {
	[SC_FORM_FORM] = "form", [SC_FORM_SUBMIT] = "submit", [SC_FORM_CANCEL] = "cancel",
	[SC_FORM_RESULT] = "result",
};

#define TYPES (sizeof(type_names) / sizeof(type_names[0]))

const char *
form_type_name(enum sc_form_type type)
{
	return type_names[type];
}

bool
form_wrong(struct sc_form_problem *problem, enum sc_cond cond, const char *text)
{
	*problem = (struct sc_form_problem){ cond, text };
	return false;
}

static bool
read_type(const struct sc_elem *x, enum sc_form_type *type)
{
	const char *name = sc_attr(x, "type");

	for (size_t i = 0; i < TYPES; i++) {
		if (sc_same(name, type_names[i])) {
			*type = (enum sc_form_type)i;
			return true;
		}
	}
	return false;
}

static int
count(const struct sc_elem *parent, const char *name)
{
	int n = 0;

	for (const struct sc_elem *e = sc_first(parent); e != NULL; e = sc_next(e))
		n += sc_is(e, SC_NS_FORM, name);
	return n;
}

static void
read_values(struct sc_arena *arena, const struct sc_elem *field, int n, struct form_field *into)
{
	const char **values = sc_alloc(arena, ((size_t)n + 1) * sizeof(*values));

	into->values = values;
	into->n = n;
	for (const struct sc_elem *e = sc_first(field); e != NULL; e = sc_next(e))
		if (sc_is(e, SC_NS_FORM, "value"))
			*values++ = sc_text_in(arena, e);
}

/* FORM_TYPE is no field of its own, it says whose fields they are. In a submitted form any kind
 * will do (XEP-0068 §4.1). */
static void
add_field(struct sc_form *form, const struct form_field *field)
{
	if (strcmp(field->var, "FORM_TYPE") == 0)
		form->form_type = field->values[0];
	else
		form->fields[form->n++] = *field;
}

static bool
seen(const struct sc_form *form, const char *var)
{
	return strcmp(var, "FORM_TYPE") == 0 ? form->form_type != NULL
		: form_find(form, var) != NULL;
}

static bool
read_fields(struct sc_arena *arena, const struct sc_elem *x, struct sc_form *form,
	struct sc_form_problem *problem)
{
	int left = SC_FORM_VALUES_MAX;

	for (const struct sc_elem *e = sc_first(x); e != NULL; e = sc_next(e)) {
		struct form_field field = { .var = sc_attr(e, "var") };
		int n;

		if (!sc_is(e, SC_NS_FORM, "field"))
			continue;
		if (field.var == NULL && sc_same(sc_attr(e, "type"), "fixed"))
			continue;
		if (field.var == NULL)
			return form_wrong(problem, SC_COND_BAD_REQUEST,
				"A field of the form has no name.");
		if (seen(form, field.var))
			return form_wrong(problem, SC_COND_BAD_REQUEST,
				"A field of the form is there twice.");
		n = count(e, "value");
		left -= n;
		if (left < 0)
			return form_wrong(problem, SC_COND_POLICY_VIOLATION,
				"The form has too many values.");
		read_values(arena, e, n, &field);
		add_field(form, &field);
	}
	return true;
}

const struct sc_form *
sc_form_read(struct sc_arena *arena, const struct sc_elem *x, struct sc_form_problem *problem)
{
	struct sc_form *form = sc_alloc(arena, sizeof(*form));
	int n;

	if (!sc_is(x, SC_NS_FORM, "x")) {
		form_wrong(problem, SC_COND_BAD_REQUEST, "A form is missing.");
		return NULL;
	}
	if (!read_type(x, &form->type)) {
		form_wrong(problem, SC_COND_BAD_REQUEST, "The form's type is not one of XEP-0004.");
		return NULL;
	}
	n = count(x, "field");
	if (n > SC_FORM_FIELDS_MAX) {
		form_wrong(problem, SC_COND_POLICY_VIOLATION, "The form has too many fields.");
		return NULL;
	}
	form->fields = sc_alloc(arena, ((size_t)n + 1) * sizeof(*form->fields));
	return read_fields(arena, x, form, problem) ? form : NULL;
}

const struct form_field *
form_find(const struct sc_form *form, const char *var)
{
	for (int i = 0; i < form->n; i++)
		if (strcmp(form->fields[i].var, var) == 0)
			return &form->fields[i];
	return NULL;
}

enum sc_form_type
sc_form_kind(const struct sc_form *form)
{
	return form->type;
}

const char *
sc_form_type(const struct sc_form *form)
{
	return form->form_type;
}

bool
sc_form_has(const struct sc_form *form, const char *var)
{
	return form_find(form, var) != NULL;
}

const char *
sc_form_value(const struct sc_form *form, const char *var)
{
	const struct form_field *field = form_find(form, var);

	return field == NULL ? NULL : field->values[0];
}

const char *const *
sc_form_values(const struct sc_form *form, const char *var)
{
	const struct form_field *field = form_find(form, var);

	return field == NULL ? NULL : field->values;
}

int
sc_form_fields(const struct sc_form *form)
{
	return form->n;
}

const char *
sc_form_var(const struct sc_form *form, int i)
{
	return form->fields[i].var;
}
