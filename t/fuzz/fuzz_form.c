/* SPDX-License-Identifier: MIT */
/* fuzz_form: what a submitted form says can be written and read again, and says the same. */
#include "config.h"

#include <string.h>

#include "base/arena.h"
#include "xml/xml.h"
#include <stonechat/form.h>
#include <stonechat/log.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

struct settings {
	bool open;
	int64_t places, since;
	const char *title, *about;
	const char *const *tags;
	int who;
	unsigned heard;
	const struct sc_jid *owner;
	const struct sc_jid *const *admins;
};

static const struct sc_option options[] = { { "a", "A" }, { "b", NULL }, { NULL, NULL } };
static const struct sc_field fields[] = {
	SC_FIELD_FIXED("fixed"),
	SC_FIELD_BOOL(struct settings, open, "open", "Open"),
	SC_FIELD_NUMBER(struct settings, places, "places", "Places", -100, 100),
	SC_FIELD_TIME(struct settings, since, "since", "Since"),
	SC_FIELD_TEXT(struct settings, title, "title", "Title", 20),
	SC_FIELD_LINES(struct settings, about, "about", "About", 200),
	SC_FIELD_TEXTS(struct settings, tags, "tags", "Tags", 5),
	SC_FIELD_CHOICE(struct settings, who, "who", "Who", options),
	SC_FIELD_CHOICES(struct settings, heard, "heard", "Heard", options),
	SC_FIELD_JID(struct settings, owner, "owner", "Owner"),
	SC_FIELD_JIDS(struct settings, admins, "admins", "Admins", 5),
	SC_FIELD_END
};
static const struct sc_form_plan plan = SC_FORM_PLAN(.form_type = "f", .title = "T",
	.fields = fields);

/* Submits the values; the stanza, which the next reading lends from. */
static struct sc_stanza *
write_form(const struct settings *values)
{
	struct sc_stanza *s = sc_stanza_new(SC_IQ, SC_TYPE_SET, NULL, NULL, "1");

	sc_form_put(s, sc_stanza_root(s), SC_FORM_SUBMIT, &plan, values);
	return s;
}

/* All that can be asked of a form is asked, whatever its type. */
static void
look(struct sc_arena *a, const struct sc_form *form)
{
	for (int i = 0; i < sc_form_fields(form); i++) {
		const char *var = sc_form_var(form, i);

		sc_assert(sc_form_has(form, var) && sc_form_values(form, var) != NULL);
		sc_assert(strcmp(var, "FORM_TYPE") != 0);
		if (sc_form_value(form, var) != NULL)
			sc_copy(a, sc_form_value(form, var));
	}
}

static void
check(struct sc_arena *a, const struct sc_stanza *s)
{
	/* "" rather than none: a text that is not there is written as a field without value,
	 * which is read as an empty one */
	struct settings one = { .title = "", .about = "" }, two = { .who = 1 };
	struct sc_form_problem problem = { .cond = SC_COND_UNDEFINED };
	const struct sc_form *form;
	struct sc_stanza *first, *second;

	if (sc_form_get(a, sc_root(s), &plan, &one, &problem, &form) == SC_FORM_WRONG)
		sc_assert(problem.text != NULL && problem.cond != SC_COND_UNDEFINED);
	if (form != NULL)
		look(a, form);
	first = write_form(&one);
	sc_assert(sc_form_get(a, sc_root(first), &plan, &two, &problem, NULL) == SC_FORM_SUBMITTED);
	second = write_form(&two);
	sc_assert(strcmp(sc_stanza_text(a, first, NULL), sc_stanza_text(a, second, NULL)) == 0);
	sc_stanza_free(&first);
	sc_stanza_free(&second);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	struct sc_arena *a = arena_new();
	struct sc_stanza *s = sc_stanza_read((const char *)bytes, n);

	if (s != NULL)
		check(a, s);
	sc_stanza_free(&s);
	arena_free(a);
	return 0;
}
