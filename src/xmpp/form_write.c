/* SPDX-License-Identifier: MIT */
/* form_write: data forms that we make (XEP-0004), by hand or from a module's table; with data
 * types (XEP-0122) where we ask. */
#include "config.h"

#include "xmpp/form.h"

static const char *const kind_names[] = {
	[SC_FIELD_K_BOOLEAN] = "boolean", [SC_FIELD_K_FIXED] = "fixed",
	[SC_FIELD_K_HIDDEN] = "hidden",
	[SC_FIELD_K_JID_MULTI] = "jid-multi", [SC_FIELD_K_JID_SINGLE] = "jid-single",
	[SC_FIELD_K_LIST_MULTI] = "list-multi",
	[SC_FIELD_K_LIST_SINGLE] = "list-single", [SC_FIELD_K_TEXT_MULTI] = "text-multi",
	[SC_FIELD_K_TEXT_PRIVATE] = "text-private", [SC_FIELD_K_TEXT_SINGLE] = "text-single",
};

const char *
sc_field_kind_name(enum sc_field_kind kind)
{
	return kind_names[kind];
}

struct sc_elem *
sc_form_add(struct sc_stanza *s, struct sc_elem *parent, enum sc_form_type type,
	const char *form_type)
{
	struct sc_elem *x = sc_add(s, parent, SC_NS_FORM, "x");

	sc_set_attr(s, x, "type", form_type_name(type));
	if (form_type != NULL)
		sc_form_add_field(s, x, SC_FIELD_K_HIDDEN, "FORM_TYPE", NULL, form_type);
	return x;
}

struct sc_elem *
sc_form_add_field(struct sc_stanza *s, struct sc_elem *x, enum sc_field_kind kind, const char *var,
	const char *label,
	const char *value)
{
	struct sc_elem *field = sc_add(s, x, NULL, "field");

	sc_set_attr(s, field, "type", kind_names[kind]);
	if (var != NULL)
		sc_set_attr(s, field, "var", var);
	if (label != NULL)
		sc_set_attr(s, field, "label", label);
	if (value != NULL)
		sc_form_add_value(s, field, value);
	return field;
}

void
sc_form_add_value(struct sc_stanza *s, struct sc_elem *field, const char *value)
{
	sc_add_with_text(s, field, NULL, "value", value);
}

void
sc_form_add_option(struct sc_stanza *s, struct sc_elem *field, const char *value, const char *label)
{
	struct sc_elem *option = sc_add(s, field, NULL, "option");

	if (label != NULL)
		sc_set_attr(s, option, "label", label);
	sc_form_add_value(s, option, value);
}

/* XEP-0122 §3: tells the client what can be typed. Lists without options are open ones. */
static void
add_validate(struct sc_stanza *s, struct sc_elem *field, const struct sc_field *row)
{
	bool open = row->options == NULL && (row->kind == SC_FIELD_K_LIST_MULTI
		|| row->kind == SC_FIELD_K_LIST_SINGLE);
	struct sc_arena *arena = sc_stanza_arena(s);
	struct sc_elem *validate, *range;

	if (row->as != SC_FIELD_AS_NUMBER && row->as != SC_FIELD_AS_TIME && !open)
		return;
	validate = sc_add(s, field, SC_NS_FORM_VALIDATE, "validate");
	sc_set_attr(s, validate, "datatype", row->as == SC_FIELD_AS_NUMBER ? "xs:integer"
		: row->as == SC_FIELD_AS_TIME ? "xs:dateTime" : "xs:string");
	if (open)
		sc_add(s, validate, NULL, "open");
	if (row->as == SC_FIELD_AS_NUMBER) {
		range = sc_add(s, validate, NULL, "range");
		sc_set_attr(s, range, "min", sc_format(arena, "%lld", (long long)row->min));
		sc_set_attr(s, range, "max", sc_format(arena, "%lld", (long long)row->max));
	}
}

static void
add_values(struct sc_stanza *s, struct sc_elem *field, const struct sc_field *row,
	const void *values)
{
	const char *const *texts = sc_field_texts(sc_stanza_arena(s), row, values);

	for (; *texts != NULL; texts++)
		sc_form_add_value(s, field, *texts);
}

static void
add_question(struct sc_stanza *s, struct sc_elem *x, const struct sc_field *row, const void *values)
{
	const char *label = row->var == NULL ? NULL : row->label;
	struct sc_elem *field = sc_form_add_field(s, x, row->kind, row->var, label, NULL);

	add_validate(s, field, row);
	if (row->required)
		sc_add(s, field, NULL, "required");
	add_values(s, field, row, values);
	for (const struct sc_option *o = row->options; o != NULL && o->value != NULL; o++)
		sc_form_add_option(s, field, o->value, o->label);
}

struct sc_elem *
sc_form_put(struct sc_stanza *s, struct sc_elem *parent, enum sc_form_type type,
	const struct sc_form_plan *plan,
	const void *values)
{
	struct sc_elem *x = sc_form_add(s, parent, type, NULL);
	const struct sc_field *row;

	if (type == SC_FORM_FORM && plan->title != NULL)
		sc_add_with_text(s, x, NULL, "title", plan->title);
	if (type == SC_FORM_FORM && plan->instructions != NULL)
		sc_add_with_text(s, x, NULL, "instructions", plan->instructions);
	sc_form_add_field(s, x, SC_FIELD_K_HIDDEN, "FORM_TYPE", NULL, plan->form_type);
	for (size_t i = 0; (row = form_row(plan, i)) != NULL; i++) {
		if (row->when != NULL && !row->when(values))
			continue;
		if (type == SC_FORM_FORM)
			add_question(s, x, row, values);
		else if (row->var != NULL)
			add_values(s, sc_form_add_field(s, x, row->kind, row->var,
				type == SC_FORM_RESULT ? row->label : NULL, NULL), row, values);
	}
	return x;
}

void
sc_form_put_reported(struct sc_stanza *s, struct sc_elem *x, const struct sc_form_plan *plan)
{
	struct sc_elem *reported = sc_add(s, x, NULL, "reported");
	const struct sc_field *row;

	for (size_t i = 0; (row = form_row(plan, i)) != NULL; i++)
		if (row->var != NULL)
			sc_form_add_field(s, reported, row->kind, row->var, row->label, NULL);
}

void
sc_form_put_item(struct sc_stanza *s, struct sc_elem *x, const struct sc_form_plan *plan,
	const void *values)
{
	struct sc_elem *item = sc_add(s, x, NULL, "item"), *field;
	const struct sc_field *row;

	for (size_t i = 0; (row = form_row(plan, i)) != NULL; i++) {
		if (row->var == NULL)
			continue;
		field = sc_add(s, item, NULL, "field");
		sc_set_attr(s, field, "var", row->var);
		add_values(s, field, row, values);
	}
}
